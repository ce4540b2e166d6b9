package dev.graft.cli;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.ConfigReader;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.TensorNames;
import dev.graft.events.Event;
import dev.graft.events.EventLog;
import dev.graft.events.LayerStats;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code graft rehearse}: runs the quick verbs once on a made-up model of a few hundred parameters.
 * {@code ./graft} has the JVM record which classes that takes, so that they are in the AOT cache
 * and the real verbs start fast.
 */
@Command(
    name = "rehearse",
    hidden = true,
    mixinStandardHelpOptions = true,
    description = "Runs the quick verbs once, for the launcher's AOT cache.")
final class RehearseCommand implements Callable<Integer> {
  private static final String CONFIG =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 8, "hidden_size": 64,
       "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
       "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true}
      """;

  private static final String TOKENIZER =
      """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
       "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
       "model": {"type": "WordLevel", "unk_token": "a",
                 "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5, "g": 6, "h": 7}}}
      """;

  /** Which cache. */
  enum What {
    /** Of the verbs that do without the Vector API. */
    verbs,
    /** Of the verbs that run the inference engine. */
    engine
  }

  @Parameters(paramLabel = "WHAT", description = "Which verbs: ${COMPLETION-CANDIDATES}.")
  private What what;

  @Override
  public Integer call() throws IOException {
    Path folder = Files.createTempDirectory("graft-rehearsal");
    try {
      Path dense = folder.resolve("dense");
      Path moe = folder.resolve("moe");
      Path run = folder.resolve("run");
      Path recipe = folder.resolve("recipe.yaml");
      writeModel(dense);
      if (what == What.engine) {
        Files.writeString(dense.resolve("tokenizer.json"), TOKENIZER);
        Path q8 = folder.resolve("q8");
        return Stream.of(
                Main.run("logits", dense.toString(), "--ids", "1,2,3", "--greedy", "4"),
                Main.run("quantize", dense.toString(), q8.toString(), "--scheme", "q8"),
                Main.run("generate", q8.toString(), "--prompt", "a b c", "--max-tokens", "32"))
            .max(Integer::compare)
            .orElseThrow();
      }
      writeEvents(run);
      Files.writeString(recipe, "model: dense\ndata: {train: [{tokens: t}]}\nout: run\n");
      return List.of(
              Main.run("--help"),
              Main.run("inspect", dense.toString()),
              Main.run("upcycle", dense.toString(), moe.toString(), "--experts=2", "--top-k=2"),
              Main.run("inspect", moe.toString(), "--json"),
              Main.run("train", recipe.toString(), "--print-config"),
              Main.run("report", run.toString(), "--out", folder.resolve("r.html").toString()))
          .stream()
          .max(Integer::compare)
          .orElseThrow();
    } finally {
      CheckpointWriter.deleteTree(folder);
    }
  }

  private static void writeModel(Path directory) throws IOException {
    ObjectNode config = (ObjectNode) JsonMapper.shared().readTree(CONFIG);
    Map<String, List<Long>> tensors =
        TensorNames.of(ConfigReader.read("the rehearsal's model", config));
    List<CheckpointWriter.Declared> declared =
        tensors.entrySet().stream()
            .map(e -> new CheckpointWriter.Declared(e.getKey(), DType.F32, e.getValue()))
            .toList();
    try (CheckpointWriter writer = CheckpointWriter.create(directory, declared, 1 << 20);
        Arena arena = Arena.ofConfined()) {
      for (CheckpointWriter.Declared tensor : declared) {
        MemorySegment ones = arena.allocate(tensor.bytes(), 4);
        for (long i = 0; i < tensor.bytes() / 4; i++) {
          ones.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
        }
        writer.write(tensor.name(), ones);
      }
      writer.commit(config);
    }
  }

  private static void writeEvents(Path run) throws IOException {
    Files.createDirectories(run);
    LayerStats layer = new LayerStats(0, 0.1, 0.001, 0.01, 2, 1.5, 0.6, List.of(0.5, 0.5));
    try (EventLog log = EventLog.append(run.resolve("events.jsonl"))) {
      log.write(new Event.Run("rehearsal", Map.of(), Map.of("parameters", 100), 600, "6 N"));
      for (int step = 1; step <= 2; step++) {
        log.write(
            new Event.Step(
                step, 8L * step, 2, 0.01, 0, 1e-3, 1, 1, 8, 0.1, 1 << 20, List.of(layer)));
      }
      log.write(new Event.Validation(2, 16, 2, 8));
      log.write(new Event.Similarity(2, 16, List.of(0.9)));
      log.write(new Event.Sample(2, "a", "a b"));
    }
  }
}
