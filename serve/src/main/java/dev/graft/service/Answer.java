package dev.graft.service;

import dev.graft.openai.ApiException;
import dev.graft.openai.GenerationParameters;
import dev.graft.openai.TokenScore;
import dev.graft.sample.LogProbabilities;
import dev.graft.sample.TokenConstraint;
import dev.graft.schedule.Finish;
import dev.graft.schedule.Generation;
import dev.graft.schedule.PromptLogits;
import dev.graft.schedule.Request;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** All choices of one request under way. Its events are taken by one thread. */
public final class Answer implements AutoCloseable {
  private final Engine engine;
  private final EngineMetrics metrics;
  private final BlockingQueue<AnswerEvent> events = new LinkedBlockingQueue<>();
  private final List<Generation> generations = new CopyOnWriteArrayList<>();
  private final List<List<TokenScore>> promptScores = new ArrayList<>();
  private final AtomicBoolean cancelled = new AtomicBoolean();
  private final long deadline;

  private Answer(Engine engine, EngineMetrics metrics, Duration limit) {
    this.engine = engine;
    this.metrics = metrics;
    this.deadline = System.nanoTime() + limit.toNanos();
  }

  /**
   * Submits every choice of every prompt: those of the first prompt come first.
   *
   * @param id of the request, as its answer bears it
   * @param echo whether the prompts' own tokens are scored, if tokens are scored at all
   * @param limit of time for all of it
   * @throws ApiException if a prompt cannot be answered
   * @throws OverloadedException if there is no room
   */
  public static Answer begin(
      Service service,
      String id,
      List<int[]> prompts,
      GenerationParameters parameters,
      boolean echo,
      Duration limit) {
    ServedModel model = service.model();
    for (int[] prompt : prompts) {
      service.require(prompt);
    }
    service.require(parameters.sampling());
    Supplier<TokenConstraint> constraints = service.constraints().of(parameters.format());
    int choices = prompts.size() * parameters.n();
    Engine engine = service.engine();
    engine.reserve(choices);
    Answer answer = new Answer(engine, service.metrics(), limit);
    int submitted = 0;
    try {
      for (int p = 0; p < prompts.size(); p++) {
        for (int i = 0; i < parameters.n(); i++) {
          ChoiceWriter writer =
              new ChoiceWriter(
                  model,
                  parameters,
                  constraints.get(),
                  prompts.get(p),
                  new ChoiceWriter.Place(p * parameters.n() + i, i),
                  answer.events::add);
          answer.submit(model, id, parameters, prompts.get(p), writer, echo);
          submitted++;
        }
      }
    } catch (RuntimeException e) {
      engine.release(choices - submitted);
      answer.close();
      throw e;
    }
    return answer;
  }

  private void submit(
      ServedModel model,
      String id,
      GenerationParameters parameters,
      int[] prompt,
      ChoiceWriter writer,
      boolean echo) {
    int room = model.context() - prompt.length;
    // One token is the least that the engine computes, also for a request that wants none.
    int most = Math.max(1, Math.min(parameters.maxTokens().orElse(room), room));
    RequestClock clock = metrics.begin(id, prompt.length);
    Optional<Request.Scoring> scoring =
        echo && parameters.topLogprobs().isPresent()
            ? Optional.of(
                new Request.Scoring(0, scoring(model, prompt, parameters.topLogprobs().getAsInt())))
            : Optional.empty();
    if (scoring.isEmpty()) {
      promptScores.add(List.of());
    }
    Generation generation =
        engine.submit(
            new Request(
                prompt,
                most,
                logits -> {
                  var chosen = writer.choose(logits);
                  clock.token();
                  return chosen;
                },
                scoring));
    generations.add(generation);
    if (cancelled.get()) {
      generation.cancel();
    }
    var _ =
        generation
            .done()
            .whenComplete((finish, failure) -> {
              engine.release(1);
              clock.end();
              end(writer, prompt.length, finish, failure);
            });
  }

  private void end(ChoiceWriter writer, int promptTokens, Finish finish, Throwable failure) {
    int choice = writer.choice();
    if (failure != null) {
      events.add(new AnswerEvent.Failed(choice, failure));
      return;
    }
    writer.finish();
    events.add(new AnswerEvent.Ended(choice, finish, promptTokens, writer.tokens()));
  }

  private PromptLogits scoring(ServedModel model, int[] prompt, int top) {
    Scores scores = new Scores(model.tokenizer());
    List<TokenScore> list = new ArrayList<>();
    list.add(scores.first(prompt[0]));
    promptScores.add(list);
    return (position, logits, at) -> {
      float[] row = Arrays.copyOfRange(logits, at, at + model.spec().vocabSize());
      list.add(scores.of(LogProbabilities.of(row, prompt[position + 1], top)));
    };
  }

  /** Scores of a choice's prompt; all of them, once its first piece or its end has come. */
  public List<TokenScore> promptScores(int choice) {
    return promptScores.get(choice);
  }

  /** How many choices there are. */
  public int choices() {
    return generations.size();
  }

  /**
   * The next event.
   *
   * @throws ApiException if the time is up
   */
  public AnswerEvent next() throws InterruptedException {
    AnswerEvent event = events.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
    if (event == null) {
      cancel();
      throw ApiException.of(
          504, "timeout_error", "the answer was not complete within the server's time limit");
    }
    return event;
  }

  /** An event that is there already. */
  public Optional<AnswerEvent> poll() {
    return Optional.ofNullable(events.poll());
  }

  /** Ends all choices soon; from any thread. */
  public void cancel() {
    if (cancelled.compareAndSet(false, true)) {
      generations.forEach(Generation::cancel);
      engine.wake();
    }
  }

  @Override
  public void close() {
    cancel();
  }
}
