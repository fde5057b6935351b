enum IbidContainerPlaceholder {}
