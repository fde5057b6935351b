enum IbidSourcePlaceholder {}
