import measure
