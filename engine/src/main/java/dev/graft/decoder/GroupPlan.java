package dev.graft.decoder;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.StoredTensor;
import dev.graft.decoder.DecoderOptions.CacheType;
import dev.graft.layout.Shares;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * What rank 0 settles for all processes of a group before the first step.
 *
 * @param shares how strong each rank is
 * @param pages of the key/value cache
 * @param cache what the cache holds
 * @param kernels how products are computed: with other kernels a rank could route a token elsewhere
 * @param model the model's shape and the form of its weights
 */
record GroupPlan(Shares shares, int pages, CacheType cache, String kernels, String model) {
  static GroupPlan of(Checkpoint checkpoint, DecoderOptions options, Shares shares) {
    return new GroupPlan(
        shares,
        options.pages(),
        options.cache(),
        options.kernels().name(),
        fingerprint(checkpoint));
  }

  /** Differs where shape, names or types differ; the numbers themselves are not read. */
  static String fingerprint(Checkpoint checkpoint) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(checkpoint.spec().toString().getBytes(StandardCharsets.UTF_8));
      for (String name : checkpoint.names().stream().sorted().toList()) {
        StoredTensor tensor = checkpoint.tensor(name);
        digest.update((name + tensor.dtype() + tensor.shape()).getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  byte[] write() {
    return String.join("\n", shares.toString(), "" + pages, cache.name(), model, kernels)
        .getBytes(StandardCharsets.UTF_8);
  }

  static GroupPlan read(byte[] message) {
    List<String> lines = new String(message, StandardCharsets.UTF_8).lines().toList();
    return new GroupPlan(
        Shares.parse(lines.get(0)),
        Integer.parseInt(lines.get(1)),
        CacheType.valueOf(lines.get(2)),
        lines.get(4),
        lines.get(3));
  }

  /** Why a process with this checkpoint and these kernels cannot take part. */
  Optional<String> objection(Checkpoint checkpoint, DecoderOptions options) {
    if (!model.equals(fingerprint(checkpoint))) {
      return Optional.of(
          checkpoint.directory()
              + " is another model than rank 0's; give every rank a copy of the same directory");
    }
    if (!kernels.equals(options.kernels().name())) {
      return Optional.of(
          "it computes with "
              + options.kernels().name()
              + ", but rank 0 with "
              + kernels
              + ", which round differently; start all ranks with the same"
              + " GRAFT_JAVA_OPTS=-Dgraft.vector.bits=256 or 128");
    }
    return Optional.empty();
  }
}
