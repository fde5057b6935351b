enum IbidLayerPlaceholder {}
