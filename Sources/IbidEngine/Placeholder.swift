enum IbidEnginePlaceholder {}
