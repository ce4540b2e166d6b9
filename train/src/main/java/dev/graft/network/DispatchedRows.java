package dev.graft.network;

import dev.graft.routing.Capacity;
import dev.graft.routing.Dispatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Experts dealt out to ranks, each holding n/P in the order of their numbers: assignments within
 * capacity are sent to their expert's rank and come back, by all-to-all exchanges of uneven parts.
 * Rows here are those that came, by expert, then by the rank they came from.
 */
final class DispatchedRows implements ExpertRows {
  private final LocalRows home;
  private final Exchange ranks;
  private final Precision precision;
  private final int firstExpert;
  private final long[] outgoing;
  private final long[] incoming;
  private final long[] start;
  private final long[] kept;

  /** Sorted assignments that are sent, int64; all of them unless some are dropped. */
  private final Tensor within;

  /** Their tokens, int64. */
  private final Tensor tokens;

  /** The received row that each expert's row is, int64. */
  private final Tensor byExpert;

  /** Its inverse, int64. */
  private final Tensor byRank;

  /**
   * Tells the ranks what each sends.
   *
   * @param dispatch this rank's assignments
   * @param ranks that deal out the experts
   * @param split how many of them, one after another, have the parts of one routing group
   * @param capacity of an expert per routing group; empty means dropless
   */
  DispatchedRows(
      Dispatch dispatch, Exchange ranks, Precision precision, int split, OptionalLong capacity) {
    int numExperts = dispatch.count().length;
    int choices = dispatch.choices().length;
    int size = ranks.size();
    int each = numExperts / size;
    List<long[]> keptByRank = kept(counts(dispatch, ranks, numExperts), split, capacity);
    Dispatch capped = dispatch.keeping(keptByRank.get(ranks.rank()));
    this.home = new LocalRows(capped, choices);
    this.ranks = ranks;
    this.precision = precision;
    this.firstExpert = ranks.rank() * each;
    this.outgoing = new long[size];
    this.incoming = new long[size];
    for (int r = 0; r < size; r++) {
      outgoing[r] = sum(capped.kept(), r * each, each);
      incoming[r] = sum(keptByRank.get(r), firstExpert, each);
    }
    this.start = new long[each];
    this.kept = new long[each];
    long[] permutation = permutation(keptByRank);
    this.within = placed(within(capped));
    this.tokens = dispatch.tokens().index_select(0, within);
    this.byExpert = placed(permutation);
    this.byRank = byExpert.argsort();
  }

  private Tensor placed(long[] rows) {
    return Libtorch.longs(rows, rows.length).to(dispatch().order().device(), ScalarType.Long);
  }

  /** What each rank has to send: all ask, and all get the same. */
  private static List<long[][]> counts(Dispatch dispatch, Exchange ranks, int numExperts) {
    int choices = dispatch.choices().length;
    long[] own = new long[choices * numExperts];
    for (int c = 0; c < choices; c++) {
      System.arraycopy(dispatch.choices()[c], 0, own, c * numExperts, numExperts);
    }
    long[] one = new long[ranks.size()];
    Arrays.fill(one, 1);
    long[] all = Libtorch.toLongs(ranks.allGather(Libtorch.longs(own, 1, own.length), one));
    List<long[][]> counts = new ArrayList<>();
    for (int r = 0; r < ranks.size(); r++) {
      long[][] theirs = new long[choices][];
      for (int c = 0; c < choices; c++) {
        int from = (r * choices + c) * numExperts;
        theirs[c] = Arrays.copyOfRange(all, from, from + numExperts);
      }
      counts.add(theirs);
    }
    return counts;
  }

  private static List<long[]> kept(List<long[][]> counts, int split, OptionalLong capacity) {
    List<long[]> kept = new ArrayList<>();
    for (int r = 0; r < counts.size(); r++) {
      int group = r / split * split;
      kept.add(
          Capacity.kept(
              counts.subList(group, group + split),
              r - group,
              capacity.orElse(Long.MAX_VALUE / 2)));
    }
    return kept;
  }

  /** Received rows, those of the first expert here from all ranks, then those of the second, …. */
  private long[] permutation(List<long[]> keptByRank) {
    long[] next = new long[incoming.length];
    for (int r = 1; r < next.length; r++) {
      next[r] = next[r - 1] + incoming[r - 1];
    }
    long[] rows = new long[Math.toIntExact(Arrays.stream(incoming).sum())];
    int at = 0;
    for (int e = 0; e < start.length; e++) {
      start[e] = at;
      for (int r = 0; r < next.length; r++) {
        long come = keptByRank.get(r)[firstExpert + e];
        for (long i = 0; i < come; i++) {
          rows[at++] = next[r]++;
        }
      }
      kept[e] = at - start[e];
    }
    return rows;
  }

  private static long[] within(Dispatch dispatch) {
    long[] rows = new long[Math.toIntExact(dispatch.assignments() - dispatch.dropped())];
    int at = 0;
    for (int e = 0; e < dispatch.kept().length; e++) {
      for (long i = 0; i < dispatch.kept()[e]; i++) {
        rows[at++] = dispatch.start()[e] + i;
      }
    }
    return rows;
  }

  private static long sum(long[] values, int from, int length) {
    return Arrays.stream(values, from, from + length).sum();
  }

  /** This rank's own assignments, those beyond capacity marked. */
  Dispatch dispatch() {
    return home.dispatch();
  }

  @Override
  public long rows() {
    return byExpert.size(0);
  }

  @Override
  public long start(int expert) {
    return start[expert - firstExpert];
  }

  @Override
  public long kept(int expert) {
    return kept[expert - firstExpert];
  }

  @Override
  public Tensor toExperts(Tensor x) {
    return ranks.allToAll(x.index_select(0, tokens), outgoing, incoming).index_select(0, byExpert);
  }

  @Override
  public boolean travel() {
    return true;
  }

  @Override
  public Tensor toTokens(Tensor rows, Runnable meanwhile) {
    // What a product has rounded to the compute precision travels in it.
    Tensor leaving = rows.to(precision.compute()).index_select(0, byRank);
    Tensor back = ranks.allToAll(leaving, incoming, outgoing, meanwhile);
    return home.sum(placed(back.to(rows.scalar_type())));
  }

  @Override
  public Tensor scalarsToExperts(Tensor perToken) {
    Tensor own = home.scalarsToExperts(perToken).index_select(0, within);
    return ranks.allToAll(own, outgoing, incoming).index_select(0, byExpert);
  }

  @Override
  public Tensor scalarsToTokens(Tensor perRow) {
    Tensor back = ranks.allToAll(perRow.index_select(0, byRank), incoming, outgoing);
    return home.scalarsToTokens(placed(back));
  }

  /** Among all sorted assignments, dropped ones being 0. */
  private Tensor placed(Tensor back) {
    if (back.size(0) == home.rows()) {
      return back;
    }
    long[] shape = back.shape();
    shape[0] = home.rows();
    return Libtorch.zeros(back, back.scalar_type(), shape).index_copy_(0, within, back);
  }

  private List<Tensor> tensors() {
    return List.of(within, tokens, byExpert, byRank);
  }

  @Override
  public void retain() {
    home.retain();
    tensors().forEach(Tensor::retainReference);
  }

  @Override
  public void release() {
    home.release();
    tensors().forEach(Tensor::releaseReference);
  }
}
