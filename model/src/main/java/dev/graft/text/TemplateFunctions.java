package dev.graft.text;

import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.objects.date.StrftimeFormatter;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.time.ZonedDateTime;
import java.util.Locale;
import java.util.Map;

/** What transformers adds to Jinja for chat templates. */
public final class TemplateFunctions {
  /** Context variable that holds the time of rendering. */
  static final String NOW = "graft_now";

  private TemplateFunctions() {}

  static void register(Context context) {
    context.registerFunction(
        new ELFunctionDefinition(
            "", "raise_exception", TemplateFunctions.class, "raiseException", String.class));
    context.registerFunction(
        new ELFunctionDefinition(
            "", "strftime_now", TemplateFunctions.class, "strftimeNow", String.class));
    context.registerFilter(new ToJson());
    context.registerTag(new Generation());
  }

  /** {@code raise_exception(message)}: the template refuses the conversation. */
  public static String raiseException(String message) {
    JinjavaInterpreter.getCurrent()
        .addError(TemplateError.fromException(new IllegalArgumentException(message)));
    return "";
  }

  /** {@code strftime_now(format)}: the time of rendering by a format of C's {@code strftime}. */
  public static String strftimeNow(String format) {
    ZonedDateTime now = (ZonedDateTime) JinjavaInterpreter.getCurrent().getContext().get(NOW);
    return StrftimeFormatter.format(now, format, Locale.US);
  }

  /** {@code x | tojson(indent=None)}: Python's {@code json.dumps}, not escaped for HTML. */
  private static final class ToJson implements Filter {
    @Override
    public String getName() {
      return "tojson";
    }

    @Override
    public Object filter(
        Object value, JinjavaInterpreter interpreter, Object[] args, Map<String, Object> named) {
      Object indent = named.get("indent");
      return PythonJson.dumps(value, indent instanceof Number n ? n.intValue() : 0);
    }

    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... args) {
      return PythonJson.dumps(value, 0);
    }
  }

  /** {@code {% generation %}}: marks what the assistant says, and renders as it is. */
  private static final class Generation implements Tag {
    private static final long serialVersionUID = 1;

    @Override
    public String getName() {
      return "generation";
    }

    @Override
    public String interpret(TagNode tag, JinjavaInterpreter interpreter) {
      StringBuilder text = new StringBuilder();
      for (Node child : tag.getChildren()) {
        text.append(child.render(interpreter).getValue());
      }
      return text.toString();
    }
  }
}
