enum IbidImageTestsPlaceholder {}
