# The one image of gamefleet: operator, allocator and game server differ by their command only.
# Node runs the TypeScript as it is, so nothing is compiled; .dockerignore names what is copied.
ARG BASE=node:26-bookworm-slim

FROM $BASE AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No production dependency needs an install script, so none may run. The optional ones are Node
# itself, for machines that have another; the base image has it.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM $BASE
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY . .
# A number, so that Kubernetes can tell that it is not root (runAsNonRoot).
USER 1000:1000
ENTRYPOINT ["node"]
CMD ["operator/main.ts"]
