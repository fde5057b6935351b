enum IbidJobPlaceholder {}
