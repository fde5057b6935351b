import mytool
def test_it():
    mytool.main()
