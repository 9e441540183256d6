# node:26-bookworm-slim from npm's own packages. Context: package/ of node-linux-*, npm/ of npm.
ARG DEBIAN
FROM $DEBIAN
RUN apt-get update && apt-get install -y libstdc++6 libatomic1 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY package/bin/node /usr/local/bin/
COPY npm/ /usr/local/lib/node_modules/npm/
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && chmod +x /usr/local/lib/node_modules/npm/bin/*-cli.js \
 && mkdir -p /usr/local/etc && echo cafile=/etc/ssl/certs/ca-certificates.crt >/usr/local/etc/npmrc \
 && node --version && npm --version
CMD ["node"]
