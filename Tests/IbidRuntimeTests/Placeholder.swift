enum IbidRuntimeTestsPlaceholder {}
