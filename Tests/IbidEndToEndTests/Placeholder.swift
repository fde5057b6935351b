enum IbidEndToEndTestsPlaceholder {}
