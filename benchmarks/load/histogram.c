#include "histogram.h"

#include <string.h>

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof *h);
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
    uint64_t rank = (uint64_t)(share * (double)h->total), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > rank || (seen && seen == h->total)) {
            /* Values below 128 have a bucket each; above, bucket i holds 64..127 shifted. */
            unsigned shift = i >> SUB_BITS ? (i >> SUB_BITS) - 1 : 0;
            uint64_t upper = (((uint64_t)(i - (shift << SUB_BITS)) + 1) << shift) - 1;
            return upper < h->highest ? upper : h->highest;
        }
    }
    return 0;
}
