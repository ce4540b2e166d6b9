package dev.graft.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Safetensors;
import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import dev.graft.layout.ExpertScheme;
import dev.graft.layout.Mesh;
import dev.graft.layout.Range;
import dev.graft.layout.Shares;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A run on several processes is the run on one: the gradients of its first step, read back from the
 * moments of its first checkpoint, and its losses. One set of processes serves all cases.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class MeshEqualityTest {
  private static final int RANKS = 8;
  private static final int STEPS = 30;

  private static final List<Process> PROCESSES = new ArrayList<>();
  private static final List<BufferedReader> OUTPUTS = new ArrayList<>();
  private static final Map<String, Path> SINGLE = new TreeMap<>();
  @TempDir private static Path directory;
  private static Path train;

  @BeforeAll
  static void start() throws IOException {
    train = TinyRun.dataset(directory, "train", 1);
    for (int rank = 0; rank < RANKS; rank++) {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"));
      command.addAll(List.of("--sun-misc-unsafe-memory-access=allow", "-XX:TieredStopAtLevel=1"));
      command.add("-Dorg.bytedeco.javacpp.nopointergc=true");
      command.add("-Dorg.bytedeco.openblas.load=mkl_rt");
      String surefire = System.getProperty("surefire.test.class.path");
      command.addAll(
          List.of("-cp", surefire == null ? System.getProperty("java.class.path") : surefire));
      command.addAll(List.of(MeshRank.class.getName(), "" + rank));
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      PROCESSES.add(process);
      OUTPUTS.add(process.inputReader(StandardCharsets.UTF_8));
    }
  }

  @AfterAll
  static void end() {
    PROCESSES.forEach(Process::destroyForcibly);
  }

  @ParameterizedTest(name = "{0} {2}")
  @CsvSource({
    "dp2, 2, moe, parallel.dp=2",
    "dp2-zero1, 2, moe, parallel.dp=2 parallel.zero=1",
    "pp2, 2, moe, parallel.pp=2",
    "stages-3-2, 2, dropless, 'parallel.pp=2 parallel.stages=[3,2] parallel.recompute=[2,0]'",
    "interleaved, 2, moe, 'parallel.pp=2 parallel.interleave=2'",
    "pp4, 4, tied, parallel.pp=4",
    "pp2-dp2-zero1, 4, tied, parallel.pp=2 parallel.dp=2 parallel.zero=1",
    "pp2-dp2, 4, dropless, parallel.pp=2 parallel.dp=2",
    "pp2, 2, dense, parallel.pp=2",
    "dp2, 2, single, parallel.dp=2",
    "tp2, 2, dense, parallel.tp=2",
    "tp2-sequence, 2, dense, parallel.tp=2 parallel.sequence=true",
    "tp2, 2, moe, parallel.tp=2",
    "tp2-sequence, 2, dropless, parallel.tp=2 parallel.sequence=true",
    "tp2, 2, tied, parallel.tp=2",
    "tp3, 3, nine, parallel.tp=3 parallel.sequence=true",
    "tp2, 2, nine, parallel.tp=2",
    "tp4-sequence, 4, nine, parallel.tp=4 parallel.sequence=true",
    "tp2-edp, 2, moe, parallel.tp=2 parallel.experts=edp",
    "tp2-edp, 2, dropless, parallel.tp=2 parallel.experts=edp",
    "dp2-ep, 2, moe, parallel.dp=2 parallel.experts=ep",
    "dp2-ep, 2, dropless, parallel.dp=2 parallel.experts=ep",
    "dp2-tp2-ep, 4, moe, parallel.dp=2 parallel.tp=2 parallel.experts=ep",
    "dp2-tp2-etp, 4, moe, parallel.dp=2 parallel.tp=2 parallel.experts=etp",
    "dp2-tp2-etp-sequence, 4, dropless, parallel.dp=2 parallel.tp=2 parallel.experts=etp parallel.sequence=true",
    "pp2-tp2-edp, 4, tied, parallel.pp=2 parallel.tp=2 parallel.experts=edp",
    "dp2-tp2-edp-zero1, 4, moe, parallel.dp=2 parallel.tp=2 parallel.experts=edp parallel.zero=1",
    "pp2-dp2-tp2-edp, 8, moe, parallel.pp=2 parallel.dp=2 parallel.tp=2 parallel.experts=edp",
    "tp2-edp, 2, single, parallel.tp=2 parallel.experts=edp",
    "pp2-dp2, 4, single, parallel.pp=2 parallel.dp=2",
  })
  void isOneProcess(String name, int ranks, String model, String mesh) throws Exception {
    Path single = single(model);
    List<String> overrides = new ArrayList<>(of(model));
    overrides.addAll(List.of(mesh.split(" ", -1)));
    Path out = directory.resolve(model + "-" + name);
    run(ranks, out, 1, overrides);
    run(ranks, out, STEPS, overrides);
    boolean wide = !model.equals("single");
    if (wide) {
      assertGradients(single, out, 1e-10);
    }
    List<Double> expected = losses(single);
    List<Double> found = losses(out);
    assertEquals(STEPS, found.size());
    for (int step = 0; step < STEPS; step++) {
      assertEquals(expected.get(step), found.get(step), wide ? 1e-8 : 1e-3, "step " + (step + 1));
    }
    assertTrue(expected.getLast() < expected.getFirst() - 0.2, expected.toString());
    assertEquals(drops(single), drops(out));
  }

  /**
   * Moments of two replicas with half of them each, of two stages by two TP ranks, of one process.
   */
  @Test
  void oneRunGoesOnInOtherLayouts() throws Exception {
    Path out = directory.resolve("moving");
    List<String> dp = new ArrayList<>(of("moe"));
    dp.addAll(List.of("parallel.dp=2", "parallel.zero=1"));
    run(2, out, 10, dp);
    List<String> pp = new ArrayList<>(of("moe"));
    pp.addAll(List.of("parallel.pp=2", "parallel.tp=2", "parallel.experts=edp"));
    run(4, out, 20, pp);
    alone(out, STEPS, of("moe"));
    List<Double> expected = losses(single("moe"));
    List<Double> found = losses(out);
    for (int step = 0; step < STEPS; step++) {
      assertEquals(expected.get(step), found.get(step), 1e-8, "step " + (step + 1));
    }
  }

  @Test
  void replicasShareTheMoments() throws Exception {
    List<String> overrides = new ArrayList<>(of("moe"));
    overrides.add("parallel.dp=2");
    List<Long> whole = run(2, directory.resolve("whole"), 1, overrides);
    overrides.add("parallel.zero=1");
    List<Long> shares = run(2, directory.resolve("shares"), 1, overrides);
    for (int rank = 0; rank < 2; rank++) {
      assertEquals(0.5, shares.get(rank) / (double) whole.get(rank), 0.01);
    }
  }

  /**
   * All tokens go to all four experts and none is dropped, so that the formulas say what is sent to
   * the byte, also where tokens and heads are dealt out unevenly.
   */
  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "pp2, 2, moe, parallel.pp=2",
    "tp2, 2, moe, parallel.tp=2",
    "tp3-sequence, 3, nine, parallel.tp=3 parallel.sequence=true",
    "tp2-edp, 2, moe, parallel.tp=2 parallel.experts=edp",
    "tp4-edp, 4, nine, parallel.tp=4 parallel.experts=edp",
    "dp2-ep, 2, moe, parallel.dp=2 parallel.experts=ep",
    "dp2-tp2-ep, 4, nine, parallel.dp=2 parallel.tp=2 parallel.experts=ep",
    "dp2-tp2-etp, 4, moe, parallel.dp=2 parallel.tp=2 parallel.experts=etp",
    "dp2-tp2-etp-sequence, 4, moe, parallel.dp=2 parallel.tp=2 parallel.experts=etp parallel.sequence=true",
    "pp2-dp2-tp2-edp, 8, moe, parallel.pp=2 parallel.dp=2 parallel.tp=2 parallel.experts=edp",
  })
  void ranksExchangeWhatTheFormulasSay(String name, int ranks, String model, String keys)
      throws Exception {
    Path out = directory.resolve("counted-" + name);
    List<String> overrides = new ArrayList<>(of(model));
    overrides.addAll(List.of("routing.capacity_factor=null", "spec.num_experts_per_tok=4"));
    overrides.addAll(List.of("sequence_length=15", "global_batch_size=4"));
    overrides.addAll(List.of(keys.split(" ", -1)));
    Mesh mesh =
        RecipeReader.read("recipe.yaml", recipe(out), common(1, overrides)).parallel().mesh();
    run(ranks, out, 1, overrides);
    Event.Communication step =
        RunEvents.read(out.resolve("events.jsonl")).of(Event.Communication.class).getFirst();
    int batches = 2 / mesh.dp();
    for (int rank = 0; rank < ranks; rank++) {
      Map<String, Long> expected = expected(mesh, rank, model.equals("nine"), batches);
      for (Map.Entry<String, Long> group : expected.entrySet()) {
        int at = rank;
        long sent =
            step.exchanges().stream()
                .filter(e -> e.rank() == at && e.group().equals(group.getKey()))
                .mapToLong(Event.Exchange::bytes)
                .sum();
        assertEquals(group.getValue(), sent, "rank " + rank + ", " + group.getKey());
      }
    }
  }

  private static Map<String, Long> expected(Mesh mesh, int rank, boolean nine, int batches) {
    int stage = mesh.place(rank).pp();
    int layers = mesh.pp() == 1 ? 5 : 3 - stage;
    boolean last = stage == mesh.pp() - 1;
    int tokens = 2 * 15;
    MeshBytes bytes =
        nine
            ? new MeshBytes(mesh, layers, 36, 24, 32, 4, 4, 9, 3, tokens, 8, 8)
            : new MeshBytes(mesh, layers, 16, 24, 32, 4, 4, 2, 1, tokens, 8, 8);
    long tensor = 0;
    if (mesh.tp() > 1) {
      tensor += layers * (2 * bytes.projection(rank));
      tensor += layers * (bytes.expertsForward(rank) + bytes.expertsBackward(rank));
      tensor += stage == 0 ? bytes.embedding(rank) : 0;
      tensor += last ? bytes.head(rank) : 0;
      tensor *= batches;
      // 2 heads over 2 ranks share the one key/value head; 9 over 2 cut the second of three groups,
      // over 4 (3, 2, 2, 2) the second and the third.
      int shared = nine ? (mesh.tp() == 4 ? 2 : mesh.tp() == 2 ? 1 : 0) : 1;
      tensor += bytes.partials(shared, last);
    }
    long experts = 0;
    int dealt = mesh.expertRanks();
    if (dealt > 1) {
      List<Range> stretches = Shares.equal(mesh.tp()).split(tokens, 0);
      boolean whole = mesh.experts() == ExpertScheme.ETP || mesh.tp() == 1;
      long own = whole ? tokens : stretches.get(mesh.place(rank).tp()).length();
      long all = whole ? (long) dealt * tokens : (long) dealt / mesh.tp() * tokens;
      // Each rank has one group of 4 / dealt experts, which all tokens ask for.
      long here = 4 / dealt;
      long sent = bytes.counts() + bytes.dispatch(own * (4 - here), (all - own) * here);
      experts = (long) batches * layers * sent;
    }
    long pipeline = mesh.pp() > 1 ? batches * bytes.boundary(rank) : 0;
    Map<String, Long> expected =
        new TreeMap<>(Map.of("tensor", tensor, "experts", experts, "pipeline", pipeline));
    if (mesh.dp() > 1 && mesh.experts() != ExpertScheme.EDP) {
      expected.put("expert-data", bytes.expertGradients(rank));
    }
    return expected;
  }

  @Test
  void ranksSayWhatTheyDidWhen() throws Exception {
    Path out = directory.resolve("timed");
    List<String> overrides = new ArrayList<>(of("moe"));
    overrides.addAll(List.of("parallel.pp=2", "timeline_steps=[2]"));
    run(2, out, 3, overrides);
    List<Event.Timeline> timelines =
        RunEvents.read(out.resolve("events.jsonl")).of(Event.Timeline.class);
    assertEquals(1, timelines.size());
    assertEquals(2, timelines.getFirst().step());
    assertEquals(2, timelines.getFirst().tracks().size());
    double seconds = steps(out).get(1).seconds();
    for (Event.Track track : timelines.getFirst().tracks()) {
      List<String> work =
          track.spans().stream()
              .filter(span -> span.kind().equals("compute"))
              .map(Event.Span::name)
              .toList();
      List<String> order =
          track.rank() == 0
              ? List.of("forward 0", "forward 1", "backward 0", "forward 2", "backward 1")
              : List.of("forward 0", "backward 0", "forward 1", "backward 1", "forward 2");
      assertEquals(order, work.subList(0, 5));
      assertEquals(9, work.size()); // four micro-batches there and back, and the optimiser
      assertTrue(track.spans().stream().anyMatch(span -> span.kind().equals("pipeline-wait")));
      for (Event.Span span : track.spans()) {
        assertTrue(span.start() >= 0 && span.seconds() >= 0, span.toString());
      }
      double busy = track.spans().stream().mapToDouble(Event.Span::seconds).sum();
      assertTrue(track.rank() > 0 || busy <= seconds + 1e-3, busy + " of " + seconds);
    }
  }

  private static List<String> of(String model) {
    List<String> overrides = new ArrayList<>(List.of("dtype=f64"));
    switch (model) {
      case "moe" -> {}
      case "dropless" -> overrides.add("routing.capacity_factor=null");
      case "tied" -> overrides.add("spec.tie_word_embeddings=true");
      case "dense" -> {
        overrides.add("spec.num_experts=null");
        overrides.add("spec.num_experts_per_tok=null");
        overrides.add("spec.architectures=[LlamaForCausalLM]");
        overrides.add("spec.model_type=llama");
      }
      case "nine" -> {
        overrides.add("spec.hidden_size=36");
        overrides.add("spec.num_attention_heads=9");
        overrides.add("spec.num_key_value_heads=3");
      }
      case "single" -> overrides.set(0, "dtype=f32");
      default -> throw new IllegalArgumentException(model);
    }
    return overrides;
  }

  private static Path single(String model) throws IOException {
    if (!SINGLE.containsKey(model)) {
      Path out = directory.resolve(model);
      alone(out, 1, of(model));
      alone(out, STEPS, of(model));
      SINGLE.put(model, out);
    }
    return SINGLE.get(model);
  }

  private static String recipe(Path out) {
    return TinyRun.recipe(train, train, out)
        .replace("num_hidden_layers: 2", "num_hidden_layers: 5");
  }

  private static List<String> common(int steps, List<String> more) {
    List<String> overrides =
        new ArrayList<>(
            List.of(
                "steps=" + steps,
                "micro_batch_size=2",
                "optimizer.clip=0",
                "optimizer.schedule=constant",
                "data.validation=null",
                "checkpoint.every=0",
                "checkpoint.keep=9"));
    overrides.addAll(more);
    return overrides;
  }

  private static void alone(Path out, int steps, List<String> more) throws IOException {
    Recipe recipe = RecipeReader.read("recipe.yaml", recipe(out), common(steps, more));
    new Trainer(recipe, RunListener.SILENT).run(true);
  }

  /** Returns bytes of moments per rank. */
  private static List<Long> run(int ranks, Path out, int steps, List<String> more)
      throws IOException {
    Path file = directory.resolve("case.txt");
    Files.writeString(file, recipe(out) + "----\n" + String.join("\n", common(steps, more)));
    tell(0, "0 " + ranks + " " + file);
    String port = answer(0, "port ");
    for (int rank = 1; rank < ranks; rank++) {
      tell(rank, port + " " + ranks + " " + file);
    }
    List<Long> bytes = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      String[] result = answer(rank, "done ").replaceAll("[\\[\\],]", "").split(" ", -1);
      assertEquals(steps, Integer.parseInt(result[0]));
      bytes.add(Long.parseLong(result[1]));
    }
    return bytes;
  }

  private static void tell(int rank, String line) throws IOException {
    BufferedWriter writer = PROCESSES.get(rank).outputWriter(StandardCharsets.UTF_8);
    writer.write(line + "\n");
    writer.flush();
  }

  private static String answer(int rank, String start) throws IOException {
    String line = OUTPUTS.get(rank).readLine();
    assertTrue(line != null && line.startsWith(start), "rank " + rank + ": " + line);
    return line.substring(start.length());
  }

  private static List<Event.Step> steps(Path out) {
    return RunEvents.read(out.resolve("events.jsonl")).events().stream()
        .filter(Event.Step.class::isInstance)
        .map(Event.Step.class::cast)
        .toList();
  }

  private static List<Double> losses(Path out) {
    return steps(out).stream().map(Event.Step::loss).toList();
  }

  private static List<List<Double>> drops(Path out) {
    return steps(out).stream()
        .map(step -> step.layers().stream().map(l -> l.dropRate()).toList())
        .toList();
  }

  /** exp_avg after the first step is (1 − β₁) times the gradient. */
  private static void assertGradients(Path expected, Path found, double tolerance)
      throws IOException {
    String file = "checkpoints/step-00000001/optimizer.safetensors";
    try (Safetensors one = Safetensors.open(expected.resolve(file));
        Safetensors other = Safetensors.open(found.resolve(file))) {
      assertEquals(one.names(), other.names());
      for (String name : one.names()) {
        if (name.endsWith(".exp_avg")) {
          double error = relative(one.tensor(name).data(), other.tensor(name).data());
          assertTrue(error <= tolerance, name + ": " + error);
        }
      }
    }
  }

  private static double relative(MemorySegment expected, MemorySegment found) {
    double square = 0;
    double difference = 0;
    for (long at = 0; at < expected.byteSize(); at += 8) {
      double e = expected.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
      double d = found.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at) - e;
      square += e * e;
      difference += d * d;
    }
    assertTrue(square > 0, "no gradient to compare");
    return Math.sqrt(difference / square);
  }
}
