package dev.graft.cli;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.Footprint;
import dev.graft.layout.RankSlice;
import dev.graft.layout.Shares;
import dev.graft.layout.TensorParallel;
import dev.graft.layout.WeightBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Who holds what when a model is dealt out to ranks, and whether it fits.
 *
 * @param layout the ranks
 * @param weights how weights are counted
 * @param weightsName the same for the reader
 * @param cache how numbers of the key/value cache are stored
 * @param memory bytes of each rank, one entry per rank; empty if nobody asked whether it fits
 */
record LayoutFacts(
    TensorParallel layout,
    WeightBytes weights,
    String weightsName,
    CacheNumbers cache,
    List<Long> memory) {
  /** What the program takes beside weights and cache; the engine's own tests hold it to this. */
  static final long PROGRAM = 350_000_000;

  /** Element types of the key/value cache, as the command line spells them. */
  enum CacheNumbers {
    f32(4),
    bf16(2);

    private final int bytes;

    CacheNumbers(int bytes) {
      this.bytes = bytes;
    }
  }

  private List<Footprint> footprints() {
    return footprints(layout);
  }

  private List<Footprint> footprints(TensorParallel ranks) {
    return IntStream.range(0, ranks.ranks())
        .mapToObj(r -> Footprint.of(ranks, r, weights, cache.bytes))
        .toList();
  }

  /** Tokens of cache that every rank has room for; -1 where the weights of one do not fit. */
  private long tokens(List<Footprint> footprints) {
    long least = Long.MAX_VALUE;
    for (Footprint footprint : footprints) {
      least = Math.min(least, footprint.tokens(room(footprint)));
    }
    return least;
  }

  private long room(Footprint footprint) {
    return memory.get(footprint.slice().rank()) - PROGRAM;
  }

  ObjectNode json() {
    ObjectNode facts = JsonMapper.shared().createObjectNode();
    List<Footprint> footprints = footprints();
    facts.put("tensor_parallel_size", layout.ranks());
    layout.shares().weights().forEach(facts.putArray("shares")::add);
    facts.put("weights", weightsName);
    facts.put("kv_cache_dtype", cache.name());
    ArrayNode ranks = facts.putArray("ranks");
    for (Footprint footprint : footprints) {
      RankSlice slice = footprint.slice();
      ObjectNode rank = ranks.addObject();
      rank.put("rank", slice.rank());
      rank.putArray("attention_heads").add(slice.heads().from()).add(slice.heads().to());
      rank.putArray("key_value_heads")
          .add(slice.keyValueHeads().from())
          .add(slice.keyValueHeads().to());
      rank.putArray("intermediate_columns").add(slice.columns().from()).add(slice.columns().to());
      rank.putArray("vocabulary_rows").add(slice.vocabulary().from()).add(slice.vocabulary().to());
      ObjectNode bytes = rank.putObject("bytes");
      bytes.put("attention", footprint.attention());
      bytes.put("feed_forward", footprint.feedForward());
      bytes.put("vocabulary", footprint.vocabulary());
      bytes.put("replicated", footprint.replicated());
      bytes.put("total", footprint.weights());
      rank.put("kv_bytes_per_token", footprint.perToken());
      if (!memory.isEmpty()) {
        rank.put("memory", memory.get(slice.rank()));
        rank.put("kv_tokens", Math.max(0, footprint.tokens(room(footprint))));
      }
    }
    if (!memory.isEmpty()) {
      facts.put("fits", tokens(footprints) > 0);
      facts.put("kv_tokens", Math.max(0, tokens(footprints)));
      facts.put("answer", answer());
    }
    return facts;
  }

  /** A table, and the answer where memory was given. */
  List<String> lines() {
    List<List<String>> table = new ArrayList<>();
    boolean moe = layout.spec().moe().isPresent();
    table.add(
        List.of(
            "rank",
            "share",
            "heads",
            "kv heads",
            "FFN columns",
            "vocabulary",
            "attention",
            moe ? "experts" : "FFN",
            "vocab",
            "norms" + (moe ? ", router" : ""),
            "weights",
            "KV/token"));
    for (Footprint footprint : footprints()) {
      RankSlice slice = footprint.slice();
      table.add(
          List.of(
              "" + slice.rank(),
              "" + layout.shares().weights().get(slice.rank()),
              "" + slice.heads().length(),
              "" + slice.keyValueHeads().length(),
              "" + slice.columns().length(),
              "" + slice.vocabulary().length(),
              ByteSize.print(footprint.attention()),
              ByteSize.print(footprint.feedForward()),
              ByteSize.print(footprint.vocabulary()),
              ByteSize.print(footprint.replicated()),
              ByteSize.print(footprint.weights()),
              ByteSize.print(footprint.perToken())));
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : table) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < row.size(); c++) {
        int column = c;
        int width = table.stream().mapToInt(r -> r.get(column).length()).max().orElse(0);
        line.append(c == 0 ? "" : "  ").append(" ".repeat(width - row.get(c).length()));
        line.append(row.get(c));
      }
      lines.add(line.toString());
    }
    lines.add("");
    lines.add(
        "weights "
            + weightsName
            + ", "
            + ByteSize.print(footprints().stream().mapToLong(Footprint::weights).sum())
            + " over all ranks; KV cache "
            + cache.name());
    if (!memory.isEmpty()) {
      lines.add(answer());
    }
    return lines;
  }

  private String answer() {
    List<Footprint> footprints = footprints();
    long tokens = tokens(footprints);
    int context = layout.spec().maxPositionEmbeddings();
    String there =
        layout.ranks()
            + " x "
            + (memory.stream().distinct().count() == 1
                ? ByteSize.print(memory.getFirst())
                : "the given memory");
    if (tokens <= 0) {
      Footprint tightest = tightest(footprints);
      return "It does not fit "
          + there
          + ": rank "
          + tightest.slice().rank()
          + " needs "
          + ByteSize.print(tightest.weights() + PROGRAM)
          + " before the first token of KV cache and has "
          + ByteSize.print(memory.get(tightest.slice().rank()))
          + "; "
          + remedy();
    }
    Footprint tightest = tightest(footprints);
    return "It fits "
        + there
        + ": rank "
        + tightest.slice().rank()
        + ", the fullest, holds "
        + ByteSize.print(tightest.weights())
        + " of weights and has room for a KV cache of "
        + String.format(Locale.ROOT, "%,d", tokens)
        + " tokens"
        + (tokens < context
            ? String.format(Locale.ROOT, ", less than the model's context of %,d", context)
            : String.format(
                Locale.ROOT,
                ", %.1f sequences of the model's context of %,d",
                (double) tokens / context,
                context))
        + ".";
  }

  private Footprint tightest(List<Footprint> footprints) {
    Footprint tightest = footprints.getFirst();
    for (Footprint footprint : footprints) {
      long more = footprint.weights() - room(footprint);
      boolean tighter =
          tokens(List.of(footprint)) < 0
              ? more > tightest.weights() - room(tightest)
              : tokens(List.of(footprint)) < tokens(List.of(tightest));
      tightest = tighter ? footprint : tightest;
    }
    return tightest;
  }

  private String remedy() {
    OptionalInt enough =
        memory.stream().distinct().count() == 1 ? leastRanks() : OptionalInt.empty();
    return enough.isPresent()
        ? "the least that fits, with equal shares, is --tp " + enough.getAsInt() + "."
        : "give the ranks more memory, or quantise the weights.";
  }

  /** The fewest equal ranks with this memory that fit. */
  private OptionalInt leastRanks() {
    ModelSpec spec = layout.spec();
    long bytes = memory.getFirst();
    return IntStream.rangeClosed(layout.ranks() + 1, spec.numAttentionHeads())
        .filter(n ->
            footprints(TensorParallel.of(spec, Shares.equal(n))).stream()
                .allMatch(footprint -> footprint.tokens(bytes - PROGRAM) > 0))
        .findFirst();
  }
}
