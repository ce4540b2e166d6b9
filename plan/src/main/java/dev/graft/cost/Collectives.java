package dev.graft.cost;

import dev.graft.cluster.Cluster;

/**
 * Seconds of exchanges on a hierarchical network: rings of the bandwidth that the ranks of a node
 * have together, one message's latency a hop (Thakur, Rabenseifner and Gropp 2005, sections 4.1 and
 * 4.4; NCCL's ring for these collectives).
 *
 * @param cluster whose links
 * @param share of a link's bandwidth that is reached
 */
record Collectives(Cluster cluster, double share) {
  /**
   * Ranks that exchange.
   *
   * @param size how many
   * @param stride from one rank's number to the next
   */
  record Group(int size, int stride) {}

  /**
   * All-gather or reduce-scatter.
   *
   * @param bytes of the whole result (or input), before it is split
   */
  double ring(Group group, double bytes) {
    return ring(group, bytes, 1);
  }

  /** The same in several messages, each with its latency. */
  double ring(Group group, double bytes, int messages) {
    int n = group.size();
    if (n == 1) {
      return 0;
    }
    int inNode = inNode(group);
    int nodes = ceil(n, inNode);
    double rate =
        nodes == 1
            ? cluster.inside().bandwidth()
            : Math.min(cluster.inside().bandwidth(), cluster.between().bandwidth() * inNode);
    return bytes * (n - 1) / n / (rate * share) + messages * hops(n, nodes);
  }

  /** All-reduce: a reduce-scatter and an all-gather. */
  double allReduce(Group group, double bytes) {
    return 2 * ring(group, bytes);
  }

  /**
   * Every rank sends each other rank an equal part of its bytes.
   *
   * @param bytes that a rank sends, all copies of its tokens
   * @param copies of a token that go to as many experts, and to each other node once; 1: each copy
   *     travels by itself
   */
  double allToAll(Group group, double bytes, int copies) {
    int n = group.size();
    if (n == 1) {
      return 0;
    }
    int inNode = inNode(group);
    double inside = bytes * (inNode - 1) / n / cluster.inside().bandwidth();
    double nodes = (double) n / inNode;
    // Nodes that k choices meet, the own one not counted: DeepEP sends a token to each once.
    double met = (nodes - 1) * (1 - Math.pow(1 - 1 / nodes, copies));
    double between = bytes / copies * met / cluster.between().bandwidth();
    double latency = inNode < n ? cluster.between().latency() : cluster.inside().latency();
    return Math.max(inside, between) / share + latency * Math.sqrt(n);
  }

  /** One message to the neighbouring stage. */
  double send(int stride, double bytes) {
    boolean inside = stride < cluster.nodeSize();
    var link = inside ? cluster.inside() : cluster.between();
    return bytes / (link.bandwidth() * share) + link.latency();
  }

  private double hops(int ranks, int nodes) {
    return nodes == 1
        ? (ranks - 1) * cluster.inside().latency()
        : nodes * cluster.between().latency() + (ranks - nodes) * cluster.inside().latency();
  }

  private int inNode(Group group) {
    return Math.max(1, Math.min(group.size(), cluster.nodeSize() / group.stride()));
  }

  private static int ceil(int a, int b) {
    return (a + b - 1) / b;
  }
}
