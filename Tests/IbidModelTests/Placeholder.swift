enum IbidModelTestsPlaceholder {}
