package dev.graft.decoder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.kernel.KernelChoice;
import dev.graft.kernel.Kernels;
import dev.graft.layout.Collective;
import dev.graft.layout.PeerLostException;
import dev.graft.layout.Shares;
import dev.graft.layout.ThreadCollective;
import dev.graft.peers.Shared;
import dev.graft.quantize.QuantizeOptions;
import dev.graft.quantize.Quantizer;
import dev.graft.quantize.Scheme;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ranks against a single one, and what becomes of a group that loses one. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class TensorParallelForwardTest {
  private static final double TOLERANCE = 1e-4;
  private static final double GAP = 1e-3;

  /**
   * Of the largest logit: SmolLM2's first tokens have activations of many thousands, and prompts of
   * it differ by up to 2e-4 there, where logits reach 27.
   */
  private static final double RELATIVE = 1e-5;

  private static final int PAGES = 8;
  private static final Duration PATIENCE = Duration.ofSeconds(100);

  private static final int[] TABLE = IntStream.range(0, PAGES).toArray();

  @Test
  void everyNumberOfRanksComputesTheSame() throws IOException {
    for (String name : List.of("tiny-mixtral", "tiny-skywork-moe", "tiny-skywork-moe-fp8")) {
      Path model = Shared.path("golden/" + name);
      int[] ids = IntStream.range(0, 40).map(i -> (i * 37 + 11) % 512).toArray();
      compare(model, ids, DecoderOptions.of(PAGES).withThreads(2), allShares(model));
      compare(
          model,
          ids,
          DecoderOptions.of(PAGES).withThreads(2).withKernels(KernelChoice.scalar()),
          List.of(Shares.parse("5,3,1")));
    }
  }

  /** Slices of blocks: cut heads and columns fall within blocks of 32 and of 128. */
  @Test
  void everyQuantisedFormIsCut(@TempDir Path folder) throws IOException {
    int[] ids = IntStream.range(0, 20).map(i -> (i * 37 + 11) % 512).toArray();
    for (String name : List.of("tiny-mixtral", "tiny-skywork-moe")) {
      Path model = Shared.path("golden/" + name);
      for (Scheme scheme : Scheme.values()) {
        Path quantised = folder.resolve(name + "-" + scheme);
        Quantizer.run(
            model, quantised, new QuantizeOptions(scheme, true, Long.MAX_VALUE), bytes -> {});
        compare(
            quantised,
            ids,
            DecoderOptions.of(PAGES).withThreads(2),
            List.of(Shares.equal(4), Shares.parse("5,3,1"), Shares.parse("1,1000")));
      }
    }
  }

  @Test
  void stories260kAndSmollm2() throws IOException {
    Path stories = Shared.path("models/stories260k");
    int[] ids = Shared.ids(Shared.cases("stories260k").get(0).get("ids"));
    compare(stories, ids, DecoderOptions.of(PAGES).withThreads(2), allShares(stories));
    int[] text = Shared.ids(Shared.cases("smollm2").get(0).get("ids"));
    compare(
        Shared.smollm2(),
        text,
        DecoderOptions.of(PAGES).withThreads(2),
        List.of(Shares.equal(9), Shares.parse("5,3,1")));
  }

  /** 1 … heads equal ranks, and some that are not. */
  private static List<Shares> allShares(Path model) throws IOException {
    List<Shares> all = new ArrayList<>();
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      for (int n = 1; n <= checkpoint.spec().numAttentionHeads(); n++) {
        all.add(Shares.equal(n));
      }
    }
    all.addAll(List.of(Shares.parse("5,3,1"), Shares.parse("1,1000"), Shares.parse("1,1,2,9")));
    return all;
  }

  private static void compare(Path model, int[] ids, DecoderOptions options, List<Shares> shares)
      throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model);
        Decoder single = new Decoder(checkpoint, options)) {
      float[][] expected = new float[2][];
      for (Phase phase : Phase.values()) {
        expected[phase == Phase.PREFILL ? 0 : 1] = all(single, ids, phase);
      }
      Greedy text = greedy(single, ids);
      for (Shares split : shares) {
        try (TensorParallelForward dealt = new TensorParallelForward(checkpoint, options, split)) {
          String what = model.getFileName() + " as " + split;
          int vocab = dealt.spec().vocabSize();
          assertClose(expected[0], all(dealt, ids, Phase.PREFILL), vocab, what);
          assertClose(expected[1], all(dealt, ids, Phase.DECODE), vocab, what);
          text.assertSame(greedy(dealt, ids), what);
        }
      }
    }
  }

  private static float[] all(Forward forward, int[] ids, Phase phase) {
    return forward.step(List.of(new Chunk(ids, 0, TABLE, phase, ids.length)))[0];
  }

  /** The last token's logits are what a text goes on with: they are within 1e-4 for every model. */
  private static void assertClose(float[] expected, float[] actual, int vocab, String what) {
    assertEquals(expected.length, actual.length);
    double largest = 0;
    double worst = 0;
    double last = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      worst = Math.max(worst, Math.abs(expected[i] - actual[i]));
      last = i % vocab == 0 ? 0 : last;
      last = Math.max(last, Math.abs(expected[i] - actual[i]));
    }
    assertTrue(last <= TOLERANCE, what + ": largest difference of the last token " + last);
    assertTrue(
        worst <= Math.max(TOLERANCE, RELATIVE * largest), what + ": largest difference " + worst);
  }

  /** The most likely tokens, up to the first that is nearly a draw. */
  private record Greedy(int[] tokens, int sure) {
    void assertSame(Greedy other, String what) {
      int n = Math.min(sure, other.sure);
      assertTrue(n > 0);
      assertArrayEquals(Arrays.copyOf(tokens, n), Arrays.copyOf(other.tokens, n), what);
    }
  }

  private static Greedy greedy(Forward forward, int[] prompt) {
    int[] tokens = new int[12];
    int sure = 0;
    boolean clear = true;
    float[] row = forward.step(List.of(new Chunk(prompt, 0, TABLE, Phase.PREFILL, 1)))[0];
    for (int i = 0; i < tokens.length; i++) {
      int best = 0;
      float second = Float.NEGATIVE_INFINITY;
      for (int v = 1; v < row.length; v++) {
        if (row[v] > row[best]) {
          second = row[best];
          best = v;
        } else {
          second = Math.max(second, row[v]);
        }
      }
      clear &= row[best] - second >= GAP;
      tokens[i] = best;
      sure += clear ? 1 : 0;
      int[] next = {best};
      row = forward.step(List.of(new Chunk(next, prompt.length + i, TABLE, Phase.DECODE, 1)))[0];
    }
    return new Greedy(tokens, sure);
  }

  /** Also in the forms of weights whose kernels take several tokens at once. */
  @Test
  void bitsDoNotDependOnTheBatch(@TempDir Path folder) throws IOException {
    Path model = Shared.path("golden/tiny-mixtral");
    bitsDoNotDependOnTheBatch(model, Shares.parse("2,1,1"));
    for (Scheme scheme : Scheme.values()) {
      Path quantised = folder.resolve("" + scheme);
      Quantizer.run(
          model, quantised, new QuantizeOptions(scheme, true, Long.MAX_VALUE), bytes -> {});
      bitsDoNotDependOnTheBatch(quantised, Shares.parse("5,3,1"));
    }
  }

  private static void bitsDoNotDependOnTheBatch(Path model, Shares shares) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model);
        TensorParallelForward dealt =
            new TensorParallelForward(
                checkpoint, DecoderOptions.of(PAGES).withThreads(3), shares)) {
      int[] a = IntStream.range(0, 70).map(i -> i * 7 % 512).toArray();
      int[] b = IntStream.range(0, 45).map(i -> (i * 31 + 5) % 512).toArray();
      int[] tableA = {0, 1, 2};
      int[] tableB = {3, 4, 5};
      for (Phase phase : Phase.values()) {
        float[] alone = dealt.step(List.of(new Chunk(a, 0, tableA, phase, 3)))[0];
        float[][] both =
            dealt.step(
                List.of(new Chunk(b, 0, tableB, phase, 1), new Chunk(a, 0, tableA, phase, 3)));
        assertArrayEquals(alone, both[1], model.getFileName() + " " + phase);
      }
      // One token after a, alone and beside 1 … 5 other sequences.
      float[] next = dealt.step(List.of(new Chunk(new int[] {9}, 70, tableA, Phase.DECODE, 1)))[0];
      for (int others = 1; others < 6; others++) {
        List<Chunk> chunks = new ArrayList<>();
        for (int i = 0; i < others; i++) {
          chunks.add(new Chunk(new int[] {i * 50 + 3}, 0, new int[] {3 + i}, Phase.DECODE, 1));
        }
        chunks.add(others / 2, new Chunk(new int[] {9}, 70, tableA, Phase.DECODE, 1));
        assertArrayEquals(
            next, dealt.step(chunks)[others / 2], model.getFileName() + " beside " + others);
      }
    }
  }

  @Test
  void processesComputeTheBitsOfThreads() throws Exception {
    Path model = Shared.path("golden/tiny-skywork-moe-fp8");
    int[] ids = IntStream.range(0, 40).map(i -> (i * 37 + 11) % 512).toArray();
    Shares shares = Shares.parse("3,1,2");
    DecoderOptions options = DecoderOptions.of(PAGES).withThreads(1);
    List<Collective> group = ThreadCollective.group(3, PATIENCE);
    List<FutureTask<Boolean>> others =
        List.of(serve(model, group.get(1)), serve(model, group.get(2)));
    try (Checkpoint checkpoint = Checkpoint.open(model);
        TensorParallelForward threads = new TensorParallelForward(checkpoint, options, shares)) {
      try (ProcessForward processes =
          new ProcessForward(checkpoint, options, shares, group.get(0))) {
        for (Phase phase : Phase.values()) {
          assertArrayEquals(all(threads, ids, phase), all(processes, ids, phase));
        }
        assertEquals(PAGES, processes.pageCount());
        InvalidInputException wrong =
            assertThrows(
                InvalidInputException.class, () -> all(processes, new int[] {512}, Phase.PREFILL));
        assertTrue(wrong.getMessage().startsWith("token id 512 is out of range"));
        assertArrayEquals(all(threads, ids, Phase.PREFILL), all(processes, ids, Phase.PREFILL));
      }
    }
    for (FutureTask<Boolean> other : others) {
      assertTrue(other.get());
    }
  }

  /** A rank as a process runs it: with a checkpoint of its own. */
  private static FutureTask<Boolean> serve(Path model, Collective collective) {
    FutureTask<Boolean> task =
        new FutureTask<>(() -> {
          try (Checkpoint checkpoint = Checkpoint.open(model)) {
            ProcessForward.serve(checkpoint, DecoderOptions.of(1).withThreads(1), collective);
          }
          return true;
        });
    Thread.ofPlatform().daemon().start(task);
    return task;
  }

  @Test
  void aRankThatFailsEndsTheStepAndAllLaterOnes() throws IOException {
    DecoderOptions failing =
        DecoderOptions.of(PAGES)
            .withThreads(1)
            .withObserver((layer, chunk, token, experts, weights) -> {
              if (layer == 2) {
                throw new IllegalStateException("the observer has seen enough");
              }
            });
    try (Checkpoint checkpoint = Checkpoint.open(Shared.path("golden/tiny-mixtral"));
        TensorParallelForward dealt =
            new TensorParallelForward(checkpoint, failing, Shares.equal(4))) {
      int[] ids = {1, 2, 3};
      assertEquals(
          "the observer has seen enough",
          assertThrows(IllegalStateException.class, () -> all(dealt, ids, Phase.DECODE))
              .getMessage());
      PeerLostException lost =
          assertThrows(PeerLostException.class, () -> all(dealt, ids, Phase.DECODE));
      assertEquals(
          "rank 0 of 4 was lost: it failed: the observer has seen enough", lost.getMessage());
    }
  }

  /** Whatever ends a rank's thread, and whichever rank it is: nobody waits for it. */
  @Test
  void aRankThreadThatDiesIsNamed() throws IOException {
    Kernels good = KernelChoice.best();
    AtomicBoolean dying = new AtomicBoolean();
    Kernels kernels =
        (Kernels)
            Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, method, args) -> {
                  if (dying.get() && Thread.currentThread().getName().equals("graft-rank-2")) {
                    throw new StackOverflowError("no room");
                  }
                  return method.invoke(good, args);
                });
    try (Checkpoint checkpoint = Checkpoint.open(Shared.path("golden/tiny-mixtral"));
        TensorParallelForward dealt =
            new TensorParallelForward(
                checkpoint,
                DecoderOptions.of(PAGES).withThreads(1).withKernels(kernels),
                Shares.equal(4))) {
      int[] ids = {1, 2, 3};
      all(dealt, ids, Phase.DECODE);
      dying.set(true);
      assertThrows(StackOverflowError.class, () -> all(dealt, ids, Phase.DECODE));
      dying.set(false);
      PeerLostException lost =
          assertThrows(PeerLostException.class, () -> all(dealt, ids, Phase.DECODE));
      assertEquals("rank 2 of 4 was lost: it failed: no room", lost.getMessage());
    }
  }

  @Test
  void aProcessWithAnotherModelIsRefusedOnBothSides() throws Exception {
    List<Collective> group = ThreadCollective.group(2, PATIENCE);
    FutureTask<Boolean> other = serve(Shared.path("golden/tiny-skywork-moe"), group.get(1));
    try (Checkpoint checkpoint = Checkpoint.open(Shared.path("golden/tiny-mixtral"))) {
      DecoderOptions options = DecoderOptions.of(PAGES).withThreads(1);
      PeerLostException lost =
          assertThrows(
              PeerLostException.class,
              () -> new ProcessForward(checkpoint, options, Shares.equal(2), group.get(0)));
      assertEquals(1, lost.rank());
      assertTrue(lost.getMessage().contains("is another model than rank 0's"), lost.getMessage());
    }
    ExecutionException refused = assertThrows(ExecutionException.class, other::get);
    assertTrue(refused.getCause() instanceof InvalidInputException);
  }

  @Test
  void aProcessThatIsGoneEndsTheRequest() throws Exception {
    Path model = Shared.path("golden/tiny-mixtral");
    List<Collective> group = ThreadCollective.group(3, PATIENCE);
    FutureTask<Boolean> staying = serve(model, group.get(1));
    FutureTask<Boolean> leaving = serve(model, group.get(2));
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      DecoderOptions options = DecoderOptions.of(PAGES).withThreads(1);
      try (ProcessForward processes =
          new ProcessForward(checkpoint, options, Shares.equal(3), group.get(0))) {
        int[] ids = {1, 2, 3};
        all(processes, ids, Phase.PREFILL);
        group.get(2).abort("it was killed");
        PeerLostException lost =
            assertThrows(PeerLostException.class, () -> all(processes, ids, Phase.PREFILL));
        assertEquals("rank 2 of 3 was lost: it was killed", lost.getMessage());
      }
    }
    for (FutureTask<Boolean> other : List.of(staying, leaving)) {
      Throwable cause = assertThrows(ExecutionException.class, other::get).getCause();
      assertEquals("rank 2 of 3 was lost: it was killed", cause.getMessage());
    }
  }
}
