enum IbidStoreTestsPlaceholder {}
