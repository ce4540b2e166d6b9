package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.network.Libtorch;
import dev.graft.network.Network;
import dev.graft.network.NetworkOptions;
import dev.graft.network.Parameters;
import dev.graft.network.Precision;
import dev.graft.network.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Runs a dense model and the MoE made of it on the same random tokens, in float32, every position.
 */
final class UpcycleCheck {
  private static final int SEQUENCES = 3;
  private static final int LENGTH = 48;

  private UpcycleCheck() {}

  static double largestDifference(Path dense, Path moe) throws IOException {
    Libtorch.start(Runtime.getRuntime().availableProcessors(), false);
    List<double[]> expected = logits(dense);
    List<double[]> actual = logits(moe);
    double largest = 0;
    for (int s = 0; s < SEQUENCES; s++) {
      for (int i = 0; i < expected.get(s).length; i++) {
        double difference = Math.abs(expected.get(s)[i] - actual.get(s)[i]);
        largest = difference <= largest ? largest : difference;
      }
    }
    return largest;
  }

  private static List<double[]> logits(Path directory) throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    List<double[]> logits = new ArrayList<>();
    try (Checkpoint checkpoint = Checkpoint.open(directory);
        Parameters parameters = Weights.load(checkpoint, Precision.F32, _ -> true);
        Network network = new Network(checkpoint.spec(), parameters, NetworkOptions.inference())) {
      int length = Math.min(LENGTH, checkpoint.spec().maxPositionEmbeddings());
      for (int s = 0; s < SEQUENCES; s++) {
        long[] ids = random.longs(length, 0, checkpoint.spec().vocabSize()).toArray();
        logits.add(network.infer(ids, false).logits());
      }
    }
    return logits;
  }
}
