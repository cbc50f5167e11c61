# At run time Home Assistant puts its own validator in voluptuous's place, so its types hold.
from probatio import *
