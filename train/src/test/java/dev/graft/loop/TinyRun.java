package dev.graft.loop;

import dev.graft.text.IndexedDatasetWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** A dataset that a tiny model can learn from, and recipes on it. */
final class TinyRun {
  static final int VOCAB = 32;

  private TinyRun() {}

  /** Documents in which each token says much about the next. */
  static Path dataset(Path directory, String name, long seed) throws IOException {
    Path prefix = directory.resolve(name);
    SplittableRandom random = new SplittableRandom(seed);
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(prefix, VOCAB)) {
      for (int d = 0; d < 60; d++) {
        int[] ids = new int[20 + random.nextInt(30)];
        ids[0] = random.nextInt(VOCAB);
        for (int i = 1; i < ids.length; i++) {
          ids[i] = random.nextInt(4) == 0 ? random.nextInt(VOCAB) : (ids[i - 1] * 5 + 3) % VOCAB;
        }
        writer.add(ids);
      }
      writer.commit();
    }
    return prefix;
  }

  /** A two-layer MoE from scratch. */
  static String recipe(Path train, Path validation, Path out) {
    return """
    spec: {vocab_size: 32, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2, num_attention_heads: 2,
           num_key_value_heads: 1, num_experts: [4], num_experts_per_tok: 2, max_position_embeddings: 64}
    data: {train: [{tokens: %s}], validation: %s}
    sequence_length: 16
    global_batch_size: 8
    micro_batch_size: 4
    steps: 12
    threads: 1
    deterministic: true
    tensorboard: false
    optimizer: {lr: 0.01, warmup_steps: 2}
    routing: {capacity_factor: 1.0, balance: {initial: 0.002}}
    validation: {every: 5}
    checkpoint: {every: 4}
    similarity_every: 6
    out: %s
    """
        .formatted(train, validation, out);
  }
}
