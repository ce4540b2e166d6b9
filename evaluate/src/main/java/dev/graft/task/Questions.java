package dev.graft.task;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.DataFolder;
import dev.graft.data.Doc;
import dev.graft.data.DocReader;
import dev.graft.text.Document;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The questions of a task: prompts put together as lm-evaluation-harness 0.4.13 does ({@code
 * fewshot_context}): description, examples with their answers, question. In a chat the description
 * is the system's message and each example a turn of the user and one of the assistant.
 */
public final class Questions {
  private static final String DIGITS = "\\d+";

  private final Task task;
  private final DataFolder folder;
  private final int shots;
  private final Optional<Function<List<Document.Message>, String>> chat;

  /**
   * Questions of a task.
   *
   * @param folder with its files
   * @param shots examples before each question
   * @param chat renders conversations, if prompts are to be conversations
   */
  public Questions(
      Task task,
      DataFolder folder,
      int shots,
      Optional<Function<List<Document.Message>, String>> chat) {
    this.task = task;
    this.folder = folder;
    this.shots = shots;
    this.chat = chat;
  }

  /**
   * A part of a task.
   *
   * @param file that the questions are from
   */
  public record Part(Task.Subject subject, Path file, List<Question> questions) {}

  /**
   * All questions, part by part.
   *
   * @param limit questions of each part at most, the first ones
   * @throws InvalidInputException if data is not there, or does not have what the task asks for
   */
  public List<Part> read(int limit) throws IOException {
    List<Part> parts = new ArrayList<>();
    for (Task.Subject subject : task.dataset().subjects()) {
      parts.add(read(subject, limit));
    }
    return List.copyOf(parts);
  }

  private Part read(Task.Subject subject, int limit) throws IOException {
    Path file = file(task.dataset().test(), subject);
    List<Doc> docs = DocReader.read(file, task.dataset().format());
    Examples examples = examples(subject, file);
    List<Question> questions = new ArrayList<>();
    for (Doc doc : docs.subList(0, Math.min(limit, docs.size()))) {
      questions.add(question(subject, doc, examples.before(doc)));
    }
    return new Part(subject, file, List.copyOf(questions));
  }

  private Examples examples(Task.Subject subject, Path test) throws IOException {
    if (shots == 0) {
      return Examples.NONE;
    }
    List<Doc> samples = task.dataset().samples();
    if (!samples.isEmpty()) {
      return Examples.of(task.sampler(), Path.of(task.name()), samples, shots, false);
    }
    if (task.dataset().fewshot().isEmpty()) {
      throw new InvalidInputException(
          task.name() + " has no examples to put before its questions; leave out --shots");
    }
    Path file = file(task.dataset().fewshot(), subject);
    List<Doc> docs = DocReader.read(file, task.dataset().format());
    return Examples.of(task.sampler(), file, docs, shots, file.equals(test));
  }

  private Path file(List<String> names, Task.Subject subject) {
    return folder.file(
        task.name(),
        names.stream().map(name -> name.replace("{subject}", subject.name())).toList());
  }

  private Question question(Task.Subject subject, Doc doc, List<Doc> before) {
    if (task.outputType() == OutputType.LOGLIKELIHOOD_ROLLING) {
      String original = task.docToTarget().render(fields(subject, doc));
      String text =
          switch (task.rewriting()) {
            case NONE -> original;
            case WIKITEXT_DETOKENIZER -> WikitextDetokenizer.detokenize(original);
          };
      return new Question.Roll(doc, text, original);
    }
    String description = task.description().render(fields(subject, doc));
    String prompt =
        chat.isPresent()
            ? chat.get().apply(conversation(subject, description, before, doc))
            : plain(subject, description, before, doc);
    if (task.outputType() == OutputType.GENERATE_UNTIL) {
      return new Question.Write(doc, prompt, target(subject, doc), task.generation());
    }
    List<String> choices = choices(subject, doc);
    String delimiter = chat.isPresent() ? "" : task.targetDelimiter();
    return new Question.Choose(
        doc,
        prompt,
        choices.stream().map(choice -> delimiter + choice).toList(),
        choices,
        gold(subject, doc, choices));
  }

  private String plain(Task.Subject subject, String description, List<Doc> before, Doc doc) {
    StringBuilder prompt = new StringBuilder(description);
    for (Doc example : before) {
      prompt
          .append(text(subject, example))
          .append(task.targetDelimiter())
          .append(answer(subject, example))
          .append(task.fewshotDelimiter());
    }
    return prompt.append(text(subject, doc)).toString();
  }

  private List<Document.Message> conversation(
      Task.Subject subject, String description, List<Doc> before, Doc doc) {
    List<Document.Message> messages = new ArrayList<>();
    if (!description.isEmpty()) {
      messages.add(new Document.Message("system", description));
    }
    for (Doc example : before) {
      messages.add(new Document.Message("user", text(subject, example)));
      messages.add(new Document.Message("assistant", answer(subject, example)));
    }
    messages.add(new Document.Message("user", text(subject, doc)));
    return messages;
  }

  /** The record's fields, and {@code subject} with its name and title. */
  private static Map<String, Object> fields(Task.Subject subject, Doc doc) {
    Map<String, Object> fields = new HashMap<>(doc.fields());
    fields.putIfAbsent("subject", Map.of("name", subject.name(), "title", subject.title()));
    return fields;
  }

  private String text(Task.Subject subject, Doc doc) {
    return task.docToText().render(fields(subject, doc));
  }

  private String target(Task.Subject subject, Doc doc) {
    return task.docToTarget().render(fields(subject, doc));
  }

  private List<String> choices(Task.Subject subject, Doc doc) {
    Map<String, Object> fields = fields(subject, doc);
    String field = task.docToChoice().field();
    if (field.isEmpty()) {
      return task.docToChoice().texts().stream().map(choice -> choice.of(fields)).toList();
    }
    if (!(fields.get(field) instanceof List<?> list) || list.size() < 2) {
      throw new InvalidInputException(
          task.name()
              + ": doc_to_choice names the field "
              + field
              + ", but record "
              + (doc.index() + 1)
              + " has no list of at least two answers there");
    }
    return list.stream().map(Object::toString).toList();
  }

  /** The number of the right choice; −1 if it is not among them. */
  private int gold(Task.Subject subject, Doc doc, List<String> choices) {
    String target = target(subject, doc);
    if (target.matches(DIGITS)) {
      int index = target.length() > 6 ? Integer.MAX_VALUE : Integer.parseInt(target);
      return index < choices.size() ? index : -1;
    }
    return choices.indexOf(target);
  }

  /** The right answer of an example. */
  private String answer(Task.Subject subject, Doc doc) {
    if (task.outputType() != OutputType.MULTIPLE_CHOICE) {
      return target(subject, doc);
    }
    List<String> choices = choices(subject, doc);
    int gold = gold(subject, doc, choices);
    if (gold < 0) {
      throw new InvalidInputException(
          "the answer of example "
              + (doc.index() + 1)
              + " of "
              + task.name()
              + (subject.name().isEmpty() ? "" : ", " + subject.name())
              + ", '"
              + target(subject, doc)
              + "', is not among its choices; mend the record");
    }
    return choices.get(gold);
  }
}
