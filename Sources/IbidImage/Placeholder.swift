enum IbidImagePlaceholder {}
