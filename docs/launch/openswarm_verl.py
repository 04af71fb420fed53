"""verl's `external_lib` of a PARL run: makes the loss `parl` known in each worker."""

from openswarm.parl.export.verl_loss import register

register()
