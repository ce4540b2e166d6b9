package dev.graft.harness;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.DataFolder;
import dev.graft.lm.ChatFormat;
import dev.graft.lm.LanguageModel;
import dev.graft.results.Item;
import dev.graft.results.ItemKey;
import dev.graft.results.ItemLog;
import dev.graft.results.TaskScores;
import dev.graft.results.TaskTally;
import dev.graft.score.CodeRunner;
import dev.graft.score.Outcome;
import dev.graft.score.Scorer;
import dev.graft.score.Value;
import dev.graft.task.Question;
import dev.graft.task.Questions;
import dev.graft.task.Task;
import dev.graft.text.Document;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/** Asks models the questions of tasks, unless they have answered them already. */
public final class Evaluation {
  private final ItemLog log;
  private final Options options;
  private final EvaluationListener listener;
  private final Optional<CodeRunner> programs;

  /**
   * How questions are asked.
   *
   * @param shots examples before each; absent: as many as the task says
   * @param limit questions of each part of a task at most
   * @param chat whether prompts are conversations by the model's chat template
   */
  public record Options(OptionalInt shots, int limit, boolean chat) {}

  /**
   * A task and where its files are.
   *
   * @param folder with its files
   */
  public record Placed(Task task, DataFolder folder) {}

  /**
   * A model and what its answers depend on.
   *
   * @param identity another identity means that it may answer differently
   */
  public record Candidate(LanguageModel model, String identity) {}

  /**
   * An evaluation.
   *
   * @param log with the answers there are, which receives the others
   */
  public Evaluation(ItemLog log, Options options, EvaluationListener listener) {
    this(log, options, listener, Optional.empty());
  }

  /**
   * An evaluation that may run programs that models wrote.
   *
   * @param programs runs them, if that is allowed
   */
  public Evaluation(
      ItemLog log, Options options, EvaluationListener listener, Optional<CodeRunner> programs) {
    this.log = log;
    this.options = options;
    this.listener = listener;
    this.programs = programs;
  }

  /** A question, its key and the part it is of. */
  private record Asked(ItemKey key, Question question) {}

  /**
   * The scores of a model on a task.
   *
   * @throws InvalidInputException if the data is not there or cannot be used, or conversations are
   *     wanted of a model without a template
   */
  public TaskScores run(Candidate candidate, Placed placed) throws IOException {
    Task task = placed.task();
    LanguageModel model = candidate.model();
    int shots = options.shots().orElse(task.fewshots());
    Scorer scorer = new Scorer(task, programs);
    List<Questions.Part> parts =
        new Questions(task, placed.folder(), shots, chat(model)).read(options.limit());
    List<List<ItemKey>> keys = new ArrayList<>();
    List<Asked> missing = new ArrayList<>();
    Map<ItemKey, Item> items = new HashMap<>();
    for (Questions.Part part : parts) {
      List<ItemKey> own = new ArrayList<>();
      for (Question question : part.questions()) {
        ItemKey key =
            ItemKey.of(model.name(), candidate.identity(), task, part.subject(), question);
        own.add(key);
        Optional<Item> known = log.find(key);
        if (known.isPresent()) {
          items.put(key, known.get());
        } else {
          missing.add(new Asked(key, question));
        }
      }
      keys.add(own);
    }
    listener.begin(model.name(), task.name(), items.size() + missing.size(), items.size());
    try {
      ask(
          model,
          missing,
          (index, outcome) -> {
            Asked asked = missing.get(index);
            Map<String, Value> values = scorer.score(asked.question, outcome);
            Item item = new Item(asked.key, gold(asked.question), outcome, values);
            log.add(item);
            items.put(item.key(), item);
            listener.answered();
          });
    } finally {
      listener.end();
    }
    return TaskTally.of(
        model.name(),
        task,
        shots,
        options.chat(),
        placed.folder(),
        scorer.names(),
        parts,
        keys.stream().map(own -> own.stream().map(items::get).toList()).toList());
  }

  private Optional<Function<List<Document.Message>, String>> chat(LanguageModel model) {
    if (!options.chat()) {
      return Optional.empty();
    }
    ChatFormat format =
        model
            .chat()
            .orElseThrow(() ->
                new InvalidInputException(
                    model.name()
                        + " has no chat template; leave out --chat, or evaluate the instruction-tuned model"));
    return Optional.of(format::render);
  }

  private static int gold(Question question) {
    return question instanceof Question.Choose choose ? choose.gold() : -1;
  }

  private static void ask(
      LanguageModel model, List<Asked> asked, LanguageModel.Answers<Outcome> answers)
      throws IOException {
    choose(model, asked, answers);
    List<Integer> rolled = indices(asked, Question.Roll.class);
    model.rolling(
        rolled.stream().map(i -> ((Question.Roll) asked.get(i).question).text()).toList(),
        (i, answer) -> answers.answer(rolled.get(i), new Outcome.Rolled(answer)));
    write(model, asked, answers);
  }

  private static void write(
      LanguageModel model, List<Asked> asked, LanguageModel.Answers<Outcome> answers)
      throws IOException {
    List<LanguageModel.Prompt> prompts = new ArrayList<>();
    List<Gathered> owners = new ArrayList<>();
    for (int i : indices(asked, Question.Write.class)) {
      Question.Write question = (Question.Write) asked.get(i).question;
      int repeats = question.generation().repeats();
      Gathered gathered = new Gathered(i, prompts.size(), repeats);
      for (int sample = 0; sample < repeats; sample++) {
        prompts.add(prompt(question, sample));
        owners.add(gathered);
      }
    }
    model.write(
        prompts,
        (index, answer) -> {
          Gathered gathered = owners.get(index);
          if (gathered.put(index, answer)) {
            answers.answer(gathered.question, gathered.outcome());
          }
        });
  }

  private static LanguageModel.Prompt prompt(Question.Write question, int sample) {
    Task.Generation generation = question.generation();
    return new LanguageModel.Prompt(
        question.prompt(),
        generation.maxTokens(),
        generation.until(),
        generation.temperature(),
        Objects.hash(question.doc().index(), sample));
  }

  /** A question that is answered several times. */
  private static final class Gathered {
    private final int question;
    private final int first;
    private final LanguageModel.Written[] written;
    private int left;

    Gathered(int question, int first, int count) {
      this.question = question;
      this.first = first;
      this.written = new LanguageModel.Written[count];
      this.left = count;
    }

    /** Returns whether this was the last. */
    boolean put(int index, LanguageModel.Written answer) {
      written[index - first] = answer;
      return --left == 0;
    }

    Outcome outcome() {
      return written.length == 1
          ? new Outcome.Text(written[0])
          : new Outcome.Samples(List.of(written));
    }
  }

  private static List<Integer> indices(List<Asked> asked, Class<? extends Question> type) {
    List<Integer> indices = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      if (type.isInstance(asked.get(i).question)) {
        indices.add(i);
      }
    }
    return indices;
  }

  private static void choose(
      LanguageModel model, List<Asked> asked, LanguageModel.Answers<Outcome> answers)
      throws IOException {
    List<LanguageModel.Continuation> continuations = new ArrayList<>();
    List<Pending> owners = new ArrayList<>();
    for (int i : indices(asked, Question.Choose.class)) {
      Question.Choose question = (Question.Choose) asked.get(i).question;
      Pending pending = new Pending(i, continuations.size(), question.continuations().size());
      for (String continuation : question.continuations()) {
        continuations.add(new LanguageModel.Continuation(question.context(), continuation));
        owners.add(pending);
      }
    }
    model.logLikelihoods(
        continuations,
        (index, answer) -> {
          Pending pending = owners.get(index);
          if (pending.put(index, answer)) {
            answers.answer(pending.question, pending.outcome());
          }
        });
  }

  /** A question of which not all continuations are scored yet. */
  private static final class Pending {
    private final int question;
    private final int first;
    private final LanguageModel.Likelihood[] likelihoods;
    private int left;

    Pending(int question, int first, int count) {
      this.question = question;
      this.first = first;
      this.likelihoods = new LanguageModel.Likelihood[count];
      this.left = count;
    }

    /** Returns whether this was the last. */
    boolean put(int index, LanguageModel.Likelihood likelihood) {
      likelihoods[index - first] = likelihood;
      return --left == 0;
    }

    Outcome outcome() {
      return new Outcome.Chosen(List.of(likelihoods));
    }
  }
}
