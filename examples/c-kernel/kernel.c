/* A weighted sum over a moving window: out[i] = sum of in[i + j] * weights[j] over j < w, for i < n. */
#include <stddef.h>

static double at(const double *values, int n, int i) {
    if (i < 0 || i >= n) return 0.0;
    return values[i];
}

void kernel(const double *in, const double *weights, double *out, int n, int w) {
    for (int i = 0; i < n; i++) out[i] = 0.0;
    for (int j = 0; j < w; j++) {
        for (int i = 0; i < n; i++) {
            out[i] += at(in, n + w - 1, i + j) * at(weights, w, j);
        }
    }
}
