# needs: packages
# results/letter.docx: clock
# results/reportlab.pdf: clock
# results/fpdf.pdf: clock
# results/page.html: clock
# results/people.csv: randomness
import datetime, os
import docx, faker, jinja2
from fpdf import FPDF
from reportlab.pdfgen import canvas

os.makedirs("results")
letter = docx.Document()
letter.add_paragraph("Sehr geehrte Damen und Herren")
letter.save("results/letter.docx")
page = canvas.Canvas("results/reportlab.pdf", invariant=0)
page.drawString(72, 720, "Umsatz")
page.save()
pdf = FPDF()
pdf.add_page()
pdf.set_font("Helvetica", size=12)
pdf.cell(40, 10, "Umsatz")
pdf.output("results/fpdf.pdf")
template = jinja2.Template("<h1>{{ title }}</h1><footer>erstellt am {{ day }}</footer>")
day = datetime.datetime.now().strftime("%d.%m.%Y um %H:%M:%S Uhr")
open("results/page.html", "w").write(template.render(title="Bericht", day=day))
fake = faker.Faker()
open("results/people.csv", "w").write("\n".join(fake.name() for _ in range(10)))
