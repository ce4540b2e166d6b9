package dev.graft.task;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.Doc;
import dev.graft.data.DocFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Reads tasks: those that come with Graft, which are resources beside this class, and files of the
 * same form. A key that is not known is refused.
 */
public final class TaskReader {
  /** The tasks that come with Graft. */
  public static final List<String> NAMES =
      List.of("mmlu", "cmmlu", "ceval", "gsm8k", "math", "humaneval", "wikitext");

  private static final YAMLMapper YAML = new YAMLMapper();

  /** A field that lists the choices: its name, or the name in braces. */
  private static final Pattern FIELD = Pattern.compile("(?:\\{\\{\\s*)?(\\w+)(?:\\s*\\}\\})?");

  /** Tokens of an answer that does not say, as in lm-evaluation-harness. */
  private static final int MAX_GEN_TOKS = 256;

  private TaskReader() {}

  /**
   * A task that comes with Graft, or of one of its subjects: {@code mmlu_anatomy}.
   *
   * @throws InvalidInputException if there is none of this name
   */
  public static Task named(String name) throws IOException {
    for (String whole : NAMES) {
      if (name.equals(whole)) {
        return resource(whole);
      }
      if (name.startsWith(whole + "_")) {
        return resource(whole)
            .part(name.substring(whole.length() + 1))
            .orElseThrow(() ->
                new InvalidInputException(
                    "there is no task " + name + "; " + whole + " has no such subject"));
      }
    }
    throw new InvalidInputException(
        "there is no task "
            + name
            + "; there are "
            + String.join(", ", NAMES)
            + ", each with _SUBJECT for one of its subjects, and files: a path that ends in .yaml");
  }

  private static Task resource(String name) throws IOException {
    try (InputStream in = TaskReader.class.getResourceAsStream(name + ".yaml")) {
      return read(name + ".yaml", new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  /**
   * A task from a file.
   *
   * @throws InvalidInputException if it is not there or cannot be used
   */
  public static Task file(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          file + ": there is no such task; give the path of a YAML file");
    }
    return read(file.toString(), Files.readString(file));
  }

  /**
   * A task from text.
   *
   * @param source names it in errors
   */
  public static Task read(String source, String yaml) {
    JsonNode tree;
    try {
      tree = YAML.readTree(yaml);
    } catch (JacksonException e) {
      throw new InvalidInputException(
          source + ": this is not YAML: " + e.getOriginalMessage().lines().findFirst().orElse(""),
          e);
    }
    TaskKeys keys = new TaskKeys(source, tree);
    String name = keys.text("task");
    OutputType type = outputType(keys);
    boolean chooses = type == OutputType.MULTIPLE_CHOICE;
    TaskKeys dataset =
        keys.section("dataset")
            .orElseThrow(() -> new InvalidInputException(source + ": the key dataset is missing"));
    Optional<TaskKeys> fewshot = keys.section("fewshot_config");
    String delimiter = keys.text("fewshot_delimiter", "\n\n");
    Task task =
        new Task(
            name,
            keys.text("title", name),
            keys.text("version", ""),
            type,
            dataset(dataset, fewshot),
            template(keys, "description", ""),
            template(keys, "doc_to_text", ""),
            chooses ? choices(keys) : Task.Choices.NONE,
            new PromptTemplate(keys.place("doc_to_target"), keys.text("doc_to_target")),
            keys.text("target_delimiter", " "),
            delimiter,
            keys.number("num_fewshot", 0, 0),
            fewshot
                .map(f -> f.choice("sampler", Task.Sampler.class, Task.Sampler.DEFAULT))
                .orElse(Task.Sampler.DEFAULT),
            keys.choice("rewriting", Task.Rewriting.class, Task.Rewriting.NONE),
            generation(keys, delimiter),
            filters(keys),
            metrics(keys),
            digest(yaml));
    fewshot.ifPresent(TaskKeys::refuseOthers);
    dataset.refuseOthers();
    keys.refuseOthers();
    return task;
  }

  private static OutputType outputType(TaskKeys keys) {
    String given = keys.text("output_type");
    return Arrays.stream(OutputType.values())
        .filter(type -> type.key().equals(given))
        .findFirst()
        .orElseThrow(() ->
            new InvalidInputException(
                keys.place("output_type")
                    + " is "
                    + given
                    + "; it must be one of "
                    + String.join(
                        ", ", Arrays.stream(OutputType.values()).map(OutputType::key).toList())));
  }

  private static Task.Dataset dataset(TaskKeys keys, Optional<TaskKeys> fewshot) {
    List<Task.Subject> subjects = new ArrayList<>();
    for (TaskKeys subject : keys.sections("subjects")) {
      String name = subject.text("name");
      subjects.add(
          new Task.Subject(
              name, subject.text("title", name.replace('_', ' ')), subject.text("group", "")));
      subject.refuseOthers();
    }
    List<String> test = keys.texts("test");
    if (test.isEmpty()) {
      throw new InvalidInputException(
          keys.place("test") + " is missing; name the file with the questions");
    }
    return new Task.Dataset(
        keys.choice("format", DocFormat.class, DocFormat.JSONL),
        test,
        keys.texts("fewshot"),
        fewshot.map(TaskReader::samples).orElse(List.of()),
        subjects.isEmpty() ? List.of(new Task.Subject("", "", "")) : List.copyOf(subjects));
  }

  /** Examples that stand in the task's file. */
  private static List<Doc> samples(TaskKeys fewshot) {
    List<Doc> samples = new ArrayList<>();
    for (TaskKeys sample : fewshot.sections("samples")) {
      samples.add(new Doc(samples.size(), sample.rest()));
    }
    return List.copyOf(samples);
  }

  private static PromptTemplate template(TaskKeys keys, String key, String absent) {
    return new PromptTemplate(keys.place(key), keys.text(key, absent));
  }

  private static Task.Choices choices(TaskKeys keys) {
    String place = keys.place("doc_to_choice");
    List<String> given = keys.texts("doc_to_choice");
    if (keys.node("doc_to_choice").filter(JsonNode::isString).isPresent()) {
      Matcher field = FIELD.matcher(given.getFirst());
      if (field.matches()) {
        return new Task.Choices(List.of(), field.group(1));
      }
    }
    if (given.size() < 2) {
      throw new InvalidInputException(
          place
              + " must list at least two answers to choose from, or name a field that lists them");
    }
    return new Task.Choices(given.stream().map(text -> choice(place, text)).toList(), "");
  }

  /** Letters are often the names of fields too, so only braces make a template of a text. */
  private static Task.Choice choice(String place, String text) {
    return text.contains("{{") ? new PromptTemplate(place, text)::render : fields -> text;
  }

  /** SHA-256, its first 16 digits. */
  private static String digest(String text) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      byte[] hash = sha.digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  private static Task.Generation generation(TaskKeys task, String delimiter) {
    int repeats = task.number("repeats", 1, 1);
    Optional<TaskKeys> keys = task.section("generation_kwargs");
    List<String> until = keys.map(k -> k.texts("until")).orElse(List.of());
    int most = keys.map(k -> k.number("max_gen_toks", MAX_GEN_TOKS, 1)).orElse(MAX_GEN_TOKS);
    double temperature = keys.map(k -> k.decimal("temperature", 0)).orElse(0.0);
    keys.ifPresent(TaskKeys::refuseOthers);
    if (repeats > 1 && temperature == 0) {
      throw new InvalidInputException(
          task.place("repeats")
              + " is "
              + repeats
              + ", but without a temperature all answers would be the same; set temperature in generation_kwargs");
    }
    return new Task.Generation(
        until.isEmpty() ? List.of(delimiter) : until, most, temperature, repeats);
  }

  private static List<Task.FilterSpec> filters(TaskKeys keys) {
    List<Task.FilterSpec> filters = new ArrayList<>();
    for (TaskKeys chain : keys.sections("filter_list")) {
      List<Task.Named> steps = new ArrayList<>();
      for (TaskKeys step : chain.sections("filter")) {
        String function = step.text("function");
        steps.add(new Task.Named(function, step.rest()));
      }
      filters.add(new Task.FilterSpec(chain.text("name"), List.copyOf(steps)));
      chain.refuseOthers();
    }
    return List.copyOf(filters);
  }

  private static List<Task.Named> metrics(TaskKeys keys) {
    List<Task.Named> metrics = new ArrayList<>();
    for (TaskKeys metric : keys.sections("metric_list")) {
      String name = metric.text("metric");
      Map<String, Object> arguments = metric.rest();
      metrics.add(new Task.Named(name, arguments));
    }
    if (metrics.isEmpty()) {
      throw new InvalidInputException(
          keys.place("metric_list") + " is missing; name at least one metric");
    }
    return List.copyOf(metrics);
  }
}
