#include "link.h"
int cluster_new(struct redis *redis) { (void)redis; return E_CONFIG; }
void cluster_free(struct cluster *cluster) { (void)cluster; }
uint16_t cluster_slot(struct text key) { (void)key; return 0; }
struct link *cluster_link(const struct redis *redis, uint16_t slot) { (void)slot; return redis->links; }
void cluster_link_up(struct redis *redis, struct link *link) { (void)redis; (void)link; }
bool cluster_redirected(struct link *link, struct command *command, const redisReply *reply) { (void)link; (void)command; (void)reply; return false; }
