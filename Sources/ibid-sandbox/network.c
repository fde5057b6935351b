/* A network that is made here and not by the runtime: a loopback of its own. Of a build step, ibid serves one socket on
   it from outside; into that of a run with published ports it makes connections. Neither is a way out. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("open a socket in the network namespace");
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) fail("look at the loopback");
    request.ifr_flags |= IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) fail("raise the loopback");
    close(fd);
}

/* The namespace belongs to the host's user namespace, where the container's root has no capability to bind low
   ports; nothing but the container is in it, so they may be anybody's. */
static void free_low_ports(void) {
    int fd = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0\n", 2) != 2) fail("free the low ports");
    close(fd);
}

static void hand_out_gateway(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SOMAXCONN) < 0)
        fail("listen on the gateway port %u", port);
    report_descriptor(REPORT_GATEWAY, fd);
    close(fd);
}

static void hand_out_network(void) {
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail("open the network namespace");
    report_descriptor(REPORT_NETWORK, fd);
    close(fd);
}

void build_network(const struct plan *plan) {
    if (unshare(CLONE_NEWNET) < 0) fail("make a network namespace");
    raise_loopback();
    free_low_ports();
    if (plan->gateway_port) hand_out_gateway(plan->gateway_port);
    if (plan->hand_network) hand_out_network();
}
