enum IbidCommandsPlaceholder {}
