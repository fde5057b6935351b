enum IbidRuntimePlaceholder {}
