enum IbidMerklePlaceholder {}
