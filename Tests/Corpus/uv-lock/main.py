import sample

