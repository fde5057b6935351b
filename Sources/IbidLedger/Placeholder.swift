enum IbidLedgerPlaceholder {}
