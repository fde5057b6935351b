enum IbidSourceTestsPlaceholder {}
