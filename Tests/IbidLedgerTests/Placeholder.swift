enum IbidLedgerTestsPlaceholder {}
