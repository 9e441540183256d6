# redis:7-bookworm from Debian's package, with the public image's user ids.
ARG DEBIAN
FROM $DEBIAN
RUN groupadd --system --gid 999 redis && useradd --system --gid redis --uid 999 --home-dir /data --create-home redis \
 && apt-get update && apt-get install -y redis-server && rm -rf /var/lib/apt/lists/* /etc/redis
WORKDIR /data
USER redis
EXPOSE 6379
# As the public image: reachable from other containers, so no protected mode.
CMD ["redis-server", "--protected-mode", "no"]
