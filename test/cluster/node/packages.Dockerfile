# The Debian packages of a node. Apart from the rest, because it can be built while Go compiles.
ARG DEBIAN
FROM $DEBIAN
RUN apt-get update \
 && apt-get install -y systemd systemd-sysv iproute2 iptables nftables kmod mount util-linux procps hostname \
      conntrack ethtool socat containerd runc containernetworking-plugins \
 && rm -rf /var/lib/apt/lists/* /etc/cni/net.d/*
