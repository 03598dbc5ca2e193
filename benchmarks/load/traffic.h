/* The event loop: opens the connections, loads them as the mode says, prints what was measured. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

void run_traffic(void);

#endif
