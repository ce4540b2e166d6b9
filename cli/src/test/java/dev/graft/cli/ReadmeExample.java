package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.Gating;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.loop.RunListener;
import dev.graft.loop.TextSampler;
import dev.graft.loop.Trainer;
import dev.graft.network.Network;
import dev.graft.network.NetworkOptions;
import dev.graft.network.Precision;
import dev.graft.network.Weights;
import dev.graft.page.PageContent;
import dev.graft.page.ReportPage;
import dev.graft.text.Tokenizer;
import dev.graft.upcycle.Upcycle;
import dev.graft.upcycle.UpcycleOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The README's Java, so that it compiles and runs. */
final class ReadmeExample {
  private ReadmeExample() {}

  static String run(Path dense, Path moe, Path recipeFile, Path page) throws IOException {
    // README
    var eightExperts =
        new UpcycleOptions(8, 2, Gating.NORMALIZED, 1.0, List.of(), 0, 0, false, 1, 5_000_000_000L);
    Upcycle.run(dense, moe, eightExperts, bytesWritten -> {});
    Recipe recipe = RecipeReader.read(recipeFile, List.of("model=" + moe));
    Trainer.Result result = new Trainer(recipe, RunListener.SILENT).run(false);
    ReportPage.write(PageContent.of("First run", List.of(recipe.out())), page);
    try (var checkpoint = Checkpoint.open(result.checkpoint());
        var tokenizer = Tokenizer.open(result.checkpoint());
        var weights = Weights.load(checkpoint, Precision.F32, frozen -> false);
        var network = new Network(checkpoint.spec(), weights, NetworkOptions.inference())) {
      return new TextSampler(network, tokenizer, 0.8).sample("Once upon a time", 40, 1);
    }
    // README
  }
}
