package dev.graft.schedule;

import dev.graft.cache.PagePool;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Forward;
import dev.graft.sample.NextToken;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Continuous batching, a step at a time (Orca, OSDI 2022): every step computes one token of each
 * sequence that decodes and, within a budget, the next tokens of prompts, so that requests join and
 * leave between steps. Requests are admitted in the order of their arrival; when pages run out, the
 * youngest gives its own back and is computed anew later.
 *
 * <p>{@link #submit} and {@link Generation#cancel} may be called from any thread, {@link #step}
 * from one. A request's tokens do not depend on what else runs, bit for bit.
 */
public final class Scheduler {
  private final Forward forward;
  private final SchedulerOptions options;
  private final PagePool pool;
  private final Queue<Sequence> arriving = new ConcurrentLinkedQueue<>();
  private final Deque<Sequence> waiting = new ArrayDeque<>();
  private final List<Sequence> running = new ArrayList<>();
  private final AtomicLong arrivals = new AtomicLong();
  private volatile SchedulerState state;
  private long prefixTokens;
  private long preemptions;

  private record Planned(Sequence sequence, Chunk chunk) {}

  /** A scheduler over an engine, which it does not close. */
  public Scheduler(Forward forward, SchedulerOptions options) {
    this.forward = forward;
    this.options = options;
    this.pool = new PagePool(forward.pageCount());
    this.state = new SchedulerState(0, 0, pool.count(), 0, 0, 0, 0, 0);
  }

  /**
   * Queues a request.
   *
   * @throws InvalidInputException if it could never run: an empty prompt, an id out of range, a
   *     prompt beyond the context or the cache. A single token needs no room: it is chosen, but
   *     never fed
   */
  public Generation submit(Request request) {
    int prompt = request.prompt().length;
    int vocab = forward.spec().vocabSize();
    if (prompt == 0) {
      throw new InvalidInputException("the prompt is empty; give at least one token");
    }
    for (int id : request.prompt()) {
      if (id < 0 || id >= vocab) {
        throw new InvalidInputException(
            "token id " + id + " is out of range; this model's vocabulary is 0 to " + (vocab - 1));
      }
    }
    if (request.maxTokens() < 1) {
      throw new InvalidInputException(
          "max_tokens is " + request.maxTokens() + "; it must be at least 1");
    }
    if (request.maxTokens() > 1 ? prompt >= context() : prompt > context()) {
      String bound =
          capacity() < forward.spec().maxPositionEmbeddings()
              ? "the key/value cache has " + pool.count() + " pages for"
              : "the model's context is";
      throw new InvalidInputException(
          "the prompt has "
              + prompt
              + " tokens, but "
              + bound
              + " "
              + context()
              + " tokens and the answer needs room; shorten it");
    }
    Generation generation = new Generation();
    arriving.add(new Sequence(request, generation, arrivals.getAndIncrement()));
    return generation;
  }

  private int capacity() {
    return pool.count() * forward.pageSize();
  }

  /** Tokens that one sequence can have. */
  public int context() {
    return Math.min(forward.spec().maxPositionEmbeddings(), capacity());
  }

  /** What it was at after the last step; from any thread. */
  public SchedulerState state() {
    return state;
  }

  /** Whether nothing is queued or running. */
  public boolean isIdle() {
    return arriving.isEmpty() && waiting.isEmpty() && running.isEmpty();
  }

  /**
   * Computes one step.
   *
   * @return whether there was anything to do
   */
  public boolean step() {
    for (Sequence sequence = arriving.poll(); sequence != null; sequence = arriving.poll()) {
      waiting.addLast(sequence);
    }
    removeCancelled();
    admit();
    List<Planned> plan = plan();
    int tokens = plan.stream().mapToInt(p -> p.chunk().ids().length).sum();
    if (!plan.isEmpty()) {
      run(plan);
    }
    state =
        new SchedulerState(
            waiting.size() + arriving.size(),
            running.size(),
            pool.count(),
            pool.count() - pool.available(),
            pool.cached(),
            prefixTokens,
            preemptions,
            tokens);
    return !plan.isEmpty();
  }

  private void removeCancelled() {
    for (Sequence sequence : List.copyOf(running)) {
      if (sequence.generation().isCancelled()) {
        finish(sequence, Finish.CANCELLED);
      }
    }
    waiting.removeIf(sequence -> {
      boolean gone = sequence.generation().isCancelled();
      if (gone) {
        sequence.generation().done().complete(Finish.CANCELLED);
      }
      return gone;
    });
  }

  /** In the order of arrival, as long as there are pages for all that is known of each. */
  private void admit() {
    while (!waiting.isEmpty() && running.size() < options.maxSequences()) {
      Sequence sequence = waiting.getFirst();
      int[] prompt = sequence.request().prompt();
      int[] prefix = pool.match(prompt, sequence.request().firstScored());
      int rest = sequence.missing() - prefix.length * forward.pageSize();
      if (!running.isEmpty() && Math.ceilDiv(rest + 1, forward.pageSize()) > pool.available()) {
        pool.release(prefix);
        return;
      }
      waiting.removeFirst();
      sequence.begin(prefix, prefix.length * forward.pageSize());
      prefixTokens += (long) prefix.length * forward.pageSize();
      running.add(sequence);
    }
  }

  private List<Planned> plan() {
    List<Planned> plan = new ArrayList<>();
    // Those that wait for one token first; among the others, who came first.
    List<Sequence> order = new ArrayList<>(running);
    order.sort(
        Comparator.comparing((Sequence s) -> s.missing() > 1).thenComparingLong(Sequence::arrival));
    boolean decodes = order.stream().anyMatch(s -> s.missing() == 1 && !s.inPrompt());
    int budget = decodes ? options.prefillTokensBesideDecode() : options.prefillTokens();
    for (Sequence sequence : order) {
      if (!running.contains(sequence)) {
        continue; // preempted by an older one
      }
      boolean single = sequence.missing() == 1 && !sequence.inPrompt();
      int limit = single ? 1 : Math.min(budget, sequence.missing());
      if (limit > 0 && makeRoom(sequence, limit, plan)) {
        Chunk chunk = sequence.chunk(limit);
        plan.add(new Planned(sequence, chunk));
        budget -= single ? 0 : wholePages(chunk.ids().length);
      }
    }
    return plan;
  }

  /**
   * What a piece of a prompt takes of the budget: a page is also a whole number of the panels in
   * which it is computed, and one that is not full takes as long as if it were. So the next prompt
   * begins with full ones, too, and no step takes longer than the budget stands for.
   */
  private int wholePages(int tokens) {
    return Math.ceilDiv(tokens, forward.pageSize()) * forward.pageSize();
  }

  /** Pages for the next tokens of a sequence, taken from younger ones if there is no other way. */
  private boolean makeRoom(Sequence sequence, int tokens, List<Planned> plan) {
    int pages = sequence.pagesFor(tokens, forward.pageSize());
    while (pages > pool.available()) {
      Sequence youngest =
          running.stream().max(Comparator.comparingLong(Sequence::arrival)).orElseThrow();
      if (youngest.arrival() <= sequence.arrival()) {
        // It waits for older ones: alone it would have room for the whole context.
        preempt(sequence);
        return false;
      }
      plan.removeIf(p -> p.sequence().equals(youngest));
      preempt(youngest);
    }
    if (pages > 0) {
      sequence.add(pool.take(pages));
    }
    return true;
  }

  private void preempt(Sequence sequence) {
    preemptions++;
    running.remove(sequence);
    pool.release(sequence.preempt());
    // Older than everything that waits, but for others that were preempted.
    waiting.addFirst(sequence);
    List<Sequence> sorted = new ArrayList<>(waiting);
    sorted.sort(Comparator.comparingLong(Sequence::arrival));
    waiting.clear();
    waiting.addAll(sorted);
  }

  private void run(List<Planned> plan) {
    Map<Sequence, RuntimeException> failures = new HashMap<>();
    float[][] logits;
    try {
      logits =
          forward.step(
              plan.stream().map(Planned::chunk).toList(),
              (chunk, row, values, at) -> score(plan.get(chunk), row, values, at, failures));
    } catch (RuntimeException e) {
      plan.forEach(p -> fail(p.sequence(), e));
      return;
    }
    for (int i = 0; i < logits.length; i++) {
      Sequence sequence = plan.get(i).sequence();
      Chunk chunk = plan.get(i).chunk();
      if (failures.containsKey(sequence)) {
        fail(sequence, failures.get(sequence));
        continue;
      }
      sequence.advance(chunk.ids().length);
      if (sequence.publishes()) {
        int[] prompt = sequence.request().prompt();
        pool.publish(prompt, sequence.pages(), prompt.length / forward.pageSize());
      }
      if (chunk.chooses()) {
        choose(sequence, logits[i]);
      }
    }
  }

  private static void score(
      Planned planned, int row, float[] logits, int at, Map<Sequence, RuntimeException> failures) {
    if (failures.containsKey(planned.sequence())) {
      return;
    }
    try {
      planned.sequence().score(planned.chunk(), row, logits, at);
    } catch (RuntimeException e) {
      failures.put(planned.sequence(), e); // its own, and not the step's
    }
  }

  private void choose(Sequence sequence, float[] logits) {
    NextToken.Choice choice;
    try {
      choice = sequence.request().next().choose(logits);
    } catch (RuntimeException e) {
      fail(sequence, e);
      return;
    }
    sequence.append(choice.token());
    int length = sequence.request().prompt().length + sequence.generated();
    if (choice.last()) {
      finish(sequence, Finish.STOP);
    } else if (sequence.generated() >= sequence.request().maxTokens() || length >= context()) {
      finish(sequence, Finish.LENGTH);
    }
  }

  /** Ends everything that was submitted; for an engine that cannot go on. */
  public void failAll(RuntimeException cause) {
    for (Sequence sequence = arriving.poll(); sequence != null; sequence = arriving.poll()) {
      waiting.addLast(sequence);
    }
    List.copyOf(running).forEach(sequence -> fail(sequence, cause));
    waiting.forEach(sequence -> sequence.generation().done().completeExceptionally(cause));
    waiting.clear();
  }

  private void finish(Sequence sequence, Finish how) {
    running.remove(sequence);
    pool.release(sequence.pages());
    sequence.generation().done().complete(how);
  }

  private void fail(Sequence sequence, RuntimeException cause) {
    running.remove(sequence);
    pool.release(sequence.pages());
    sequence.generation().done().completeExceptionally(cause);
  }
}
