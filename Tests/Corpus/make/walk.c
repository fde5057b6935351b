#include <math.h>

double walk(int steps) {
    double place = 0;
    for (int i = 0; i < steps; i++) place += sin(i);
    return place;
}
