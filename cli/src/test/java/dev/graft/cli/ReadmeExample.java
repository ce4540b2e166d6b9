package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.loop.TextSampler;
import dev.graft.network.Libtorch;
import dev.graft.network.Network;
import dev.graft.network.NetworkOptions;
import dev.graft.network.Parameters;
import dev.graft.network.Precision;
import dev.graft.network.Weights;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/** The README's Java, so that it compiles and runs. */
final class ReadmeExample {
  private ReadmeExample() {}

  static void run(Path model) throws IOException {
    // README
    Libtorch.start(2, false); // threads, deterministic
    try (Checkpoint checkpoint = Checkpoint.open(model);
        Tokenizer tokenizer = Tokenizer.open(model);
        Parameters weights = Weights.load(checkpoint, Precision.F32, frozen -> false);
        Network network = new Network(checkpoint.spec(), weights, NetworkOptions.inference())) {
      TextSampler sampler = new TextSampler(network, tokenizer, 0.8);
      System.out.println(sampler.sample("Once upon a time", 40, 1));
    }
    // README
  }
}
