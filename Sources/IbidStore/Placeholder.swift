enum IbidStorePlaceholder {}
