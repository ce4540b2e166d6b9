package dev.graft.cli;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Decoder;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Phase;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.MachineRates;
import dev.graft.kernel.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code graft bench}: prefill and decode rates, counted as llama-bench does (no sampling, no
 * tokenising, each from an empty context), beside what the machine can do at most.
 */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures prefill and decode, and the machine's own limits in the same run.")
final class BenchCommand implements Callable<Integer> {
  /** Tokens of one prefill step, as the scheduler feeds them. */
  private static final int STEP = 512;

  @Parameters(paramLabel = "DIR", description = "A Hugging Face directory or a GGUF file.")
  private Path model;

  @Option(
      names = "--prompt",
      defaultValue = "512",
      description = "Prompt tokens (${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = "--generate",
      defaultValue = "128",
      description = "Tokens decoded per sequence (${DEFAULT-VALUE}).")
  private int generate;

  @Option(names = "--threads", description = "Threads (all cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--runs",
      defaultValue = "5",
      description = "Measured runs after one to warm up; medians are shown (${DEFAULT-VALUE}).")
  private int runs;

  @Option(
      names = "--batch",
      defaultValue = "1",
      description = "Sequences decoded at once (${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--depth",
      defaultValue = "0",
      description = "Tokens in the context before decoding starts (${DEFAULT-VALUE}).")
  private int depth;

  @Option(
      names = "--kv-dtype",
      defaultValue = "F32",
      description = "Type of the key/value cache: ${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
  private DecoderOptions.CacheType cache;

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (prompt < 1 || generate < 1 || runs < 1 || batch < 1 || threads < 1 || depth < 0) {
      throw new InvalidInputException(
          "--prompt, --generate, --runs, --batch and --threads must be at least 1, --depth 0");
    }
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      int context = Math.max(prompt, depth + generate);
      int limit = checkpoint.spec().maxPositionEmbeddings();
      if (context > limit) {
        throw new InvalidInputException(
            "these options need a context of "
                + context
                + " tokens, but max_position_embeddings of "
                + model
                + " is "
                + limit);
      }
      int perSequence = Math.ceilDiv(context, KeyValuePages.SIZE);
      Kernels kernels = KernelLine.best(true);
      DecoderOptions options =
          DecoderOptions.of(perSequence * batch)
              .withThreads(threads)
              .withCache(cache)
              .withKernels(kernels);
      try (Decoder decoder = new Decoder(checkpoint, options);
          Workers workers = new Workers(threads);
          MachineRates rates = new MachineRates(workers, kernels)) {
        ObjectNode facts = measure(decoder, rates, perSequence);
        facts.put("kernels", kernels.description());
        print(facts);
      }
    }
    return ExitCode.DONE.code();
  }

  private ObjectNode measure(Decoder decoder, MachineRates rates, int perSequence) {
    int vocab = decoder.spec().vocabSize();
    int[] ids = new int[Math.max(prompt, depth)];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) ((1000 + i * 7919L) % vocab);
    }
    List<Double> prefill = new ArrayList<>();
    List<Double> decode = new ArrayList<>();
    List<Double> bandwidth = new ArrayList<>();
    List<Double> gemm = new ArrayList<>();
    for (int run = 0; run <= runs; run++) { // the first is warm-up
      double read = rates.readBandwidth();
      double flops = rates.gemmRate();
      double fill = prefill(decoder, Arrays.copyOf(ids, prompt), perSequence);
      double step = decode(decoder, ids, perSequence);
      if (run > 0) {
        bandwidth.add(read);
        gemm.add(flops);
        prefill.add(prompt / fill);
        decode.add(batch * generate / step);
      }
    }
    double fill = median(prefill);
    double step = median(decode);
    long context = (long) depth + generate / 2;
    long bytes = decoder.bytesPerToken() + decoder.cacheBytesPerToken() * context;
    ObjectNode facts = JsonMapper.shared().createObjectNode();
    facts.put("engine", "graft");
    facts.put("model", model.toString());
    facts.put("threads", threads);
    facts.put("prompt", prompt);
    facts.put("generate", generate);
    facts.put("depth", depth);
    facts.put("batch", batch);
    facts.put("prefill_tokens_per_second", rounded(fill, 1));
    facts.put("decode_tokens_per_second", rounded(step, 1));
    facts.put("bytes_per_token", bytes);
    facts.put("read_bandwidth_gbs", rounded(median(bandwidth) / 1e9, 2));
    if (batch == 1) {
      facts.put("bandwidth_fraction", rounded(step * bytes / median(bandwidth), 3));
    }
    facts.put("gemm_gflops", rounded(median(gemm) / 1e9, 1));
    facts.put("prefill_gflops", rounded(fill * decoder.flopsPerToken() / 1e9, 1));
    facts.put("gemm_fraction", rounded(fill * decoder.flopsPerToken() / median(gemm), 3));
    return facts;
  }

  /** Seconds of a prompt of one sequence, logits at its last token only. */
  private double prefill(Decoder decoder, int[] ids, int perSequence) {
    long start = System.nanoTime();
    feed(decoder, ids, pages(0, perSequence), 1);
    return (System.nanoTime() - start) / 1e9;
  }

  private static void feed(Decoder decoder, int[] ids, int[] pages, int logits) {
    for (int from = 0; from < ids.length; from += STEP) {
      int to = Math.min(ids.length, from + STEP);
      decoder.step(
          List.of(
              new Chunk(
                  Arrays.copyOfRange(ids, from, to),
                  from,
                  pages,
                  Phase.PREFILL,
                  to == ids.length ? logits : 0)));
    }
  }

  /** Seconds of decoding, all sequences a token a step. */
  private double decode(Decoder decoder, int[] ids, int perSequence) {
    if (depth > 0) {
      for (int s = 0; s < batch; s++) {
        feed(decoder, Arrays.copyOf(ids, depth), pages(s, perSequence), 0);
      }
    }
    long start = System.nanoTime();
    for (int i = 0; i < generate; i++) {
      List<Chunk> chunks = new ArrayList<>();
      for (int s = 0; s < batch; s++) {
        int id = ids[(i + s * 31) % ids.length];
        chunks.add(new Chunk(new int[] {id}, depth + i, pages(s, perSequence), Phase.DECODE, 1));
      }
      decoder.step(chunks);
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private static int[] pages(int sequence, int perSequence) {
    int[] pages = new int[perSequence];
    Arrays.setAll(pages, i -> sequence * perSequence + i);
    return pages;
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static double rounded(double value, int digits) {
    double power = Math.pow(10, digits);
    return Math.round(value * power) / power;
  }

  private void print(ObjectNode facts) {
    if (json) {
      System.out.println(JsonMapper.shared().writeValueAsString(facts));
      return;
    }
    facts
        .properties()
        .forEach(fact ->
            System.out.println(
                String.format(Locale.ROOT, "%-26s %s", fact.getKey(), fact.getValue().asString())));
  }
}
