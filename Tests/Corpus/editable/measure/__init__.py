import tabulate


def main():
    print(tabulate.tabulate([[1, 2]]))
